import { type ChildProcess, spawn } from "node:child_process";
import { createRequire } from "node:module";
import { extname, join } from "node:path";
import { createInterface } from "node:readline";
import type { RefusedConnection } from "./childGuard";

export interface GuardedProcessOptions {
    readonly cwd: string;
    readonly nodeArguments?: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly onLine: (line: string, stream: "stdout" | "stderr") => void;
    readonly onRefused: (host: string) => void;
}

/** How long a process may take to end after it was asked to. */
const graceMilliseconds = 3000;

/** A Node process for the program's code; see childGuard. */
export class GuardedProcess {
    readonly exited: Promise<number>;
    private readonly child: ChildProcess;

    constructor(script: string, args: readonly string[], options: GuardedProcessOptions) {
        // Run from its source in tests, the guard is TypeScript that Node strips by itself, with a warning.
        const guard = ["--disable-warning=ExperimentalWarning", "--require", join(__dirname, `childGuard${extname(__filename)}`)];
        this.child = spawn(process.execPath, [...guard, ...(options.nodeArguments ?? []), script, ...args], {
            cwd: options.cwd,
            env: { ...process.env, ...options.environment },
            stdio: ["ignore", "pipe", "pipe", "ipc"],
        });
        for (const stream of ["stdout", "stderr"] as const) {
            const source = this.child[stream];
            if (source !== null) {
                createInterface({ input: source }).on("line", line => options.onLine(line, stream));
            }
        }
        this.child.on("message", message => {
            if (isRefused(message)) {
                options.onRefused(message.refusedHost);
            }
        });
        this.exited = new Promise((resolve, reject) => {
            this.child.on("error", reject);
            this.child.on("close", code => resolve(code ?? 1));
        });
    }

    async stop(): Promise<void> {
        if (this.child.exitCode !== null || this.child.signalCode !== null) {
            return;
        }
        this.child.kill("SIGTERM");
        const kill = setTimeout(() => this.child.kill("SIGKILL"), graceMilliseconds);
        await this.exited.catch(() => undefined);
        clearTimeout(kill);
    }
}

/** A file of the copy of Pulumi that the program itself uses. */
export function pulumiScript(programDir: string, script: string): string {
    try {
        return createRequire(join(programDir, "/")).resolve(`@pulumi/pulumi/${script}`);
    } catch {
        throw new Error(`${programDir} has no @pulumi/pulumi installed; run npm ci in it`);
    }
}

function isRefused(message: unknown): message is RefusedConnection {
    return typeof message === "object" && message !== null && "refusedHost" in message && typeof message.refusedHost === "string";
}
