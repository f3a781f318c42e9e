import { existsSync, readFileSync } from "node:fs";

/**
 * Most memory that this process has had, in MiB. Not getrusage(2) on Linux: there a child's figure starts with that of the process it was
 * forked from.
 */
export function peakMemoryMebibytes(): number {
    const status = existsSync("/proc/self/status") ? readFileSync("/proc/self/status", "utf8") : "";
    const kibibytes = /^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? process.resourceUsage().maxRSS;
    return Number(kibibytes) / 1024;
}
