import { spawn } from "node:child_process";
import { closeSync, mkdirSync, openSync, readdirSync, readFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

/** A program that is to run. */
export interface Command {
    readonly program: string;
    readonly arguments: readonly string[];
    readonly environment: Readonly<Record<string, string>>;
    readonly log: string;
}

/** A server that runs for a state folder. */
export interface RunningServer {
    readonly name: string;
    readonly pid: number;
    /** When the process started, in clock ticks since boot: with the pid it names one process for ever. */
    readonly startTime: string;
    /** Stands for all that the server was started with. */
    readonly digest: string;
}

const OWNER = "KST_SANDBOX_STATE";
const NAME = "KST_SANDBOX_SERVER";
const DIGEST = "KST_SANDBOX_DIGEST";

/**
 * Starts a server that outlives this process. It carries whose it is in its environment, so that it is found again even if this
 * process is killed at the very next moment; a pid file, written after the start, would miss it, and name a stranger after a reboot.
 */
export function startServer(owner: string, name: string, digest: string, command: Command): void {
    mkdirSync(dirname(command.log), { recursive: true });
    const log = openSync(command.log, "a");
    try {
        const child = spawn(command.program, command.arguments, {
            detached: true,
            cwd: owner,
            stdio: ["ignore", log, log],
            env: {
                PATH: process.env.PATH,
                HOME: owner,
                TMPDIR: owner,
                ...command.environment,
                [OWNER]: owner,
                [NAME]: name,
                [DIGEST]: digest,
            },
        });
        // A program that cannot be started is seen by whoever waits for it, like one that ends at once.
        child.on("error", () => {});
        child.unref();
    } finally {
        closeSync(log);
    }
}

/** All servers that run for a state folder, from the kernel's own list. */
export function runningServers(owner: string): RunningServer[] {
    return readdirSync("/proc")
        .filter(entry => /^\d+$/.test(entry))
        .map(entry => identify(Number(entry), owner))
        .filter(server => server !== undefined);
}

function identify(pid: number, owner: string): RunningServer | undefined {
    const environment = readIfThere(`/proc/${pid}/environ`)?.split("\0");
    if (environment?.includes(`${OWNER}=${owner}`) !== true) {
        return undefined;
    }
    const value = (variable: string) => environment.find(entry => entry.startsWith(`${variable}=`))?.slice(variable.length + 1);
    const name = value(NAME);
    const digest = value(DIGEST);
    const startTime = startTimeOf(pid);
    return name === undefined || digest === undefined || startTime === undefined ? undefined : { name, digest, pid, startTime };
}

/**
 * When the process started, or nothing for one that is gone or only waits to be collected. A process whose first thread has ended shows
 * as such while its other threads still hold its ports, so these are counted too. Fields 3, 20 and 22 of proc_pid_stat(5).
 */
function startTimeOf(pid: number): string | undefined {
    const status = readIfThere(`/proc/${pid}/stat`);
    // The second field is the command's name in parentheses and may hold anything, so counting starts after its end.
    const fields = status?.slice(status.lastIndexOf(")") + 2).split(" ");
    return fields?.[0] === "Z" && Number(fields[17]) <= 1 ? undefined : fields?.[19];
}

function readIfThere(path: string): string | undefined {
    try {
        return readFileSync(path, "utf8");
    } catch {
        // The process ended meanwhile, or belongs to another user.
        return undefined;
    }
}

function isRunning(server: RunningServer): boolean {
    return startTimeOf(server.pid) === server.startTime;
}

/** Asks servers to end, and ends those that do not within the time. Returns when none of them runs. */
export async function stopServers(servers: readonly RunningServer[], patienceMilliseconds: number): Promise<void> {
    const deadline = Date.now() + patienceMilliseconds;
    send(servers, "SIGTERM");
    let left = servers.filter(isRunning);
    while (left.length > 0) {
        if (Date.now() > deadline) {
            send(left, "SIGKILL");
        }
        await delay(20);
        left = left.filter(isRunning);
    }
}

function send(servers: readonly RunningServer[], signal: NodeJS.Signals): void {
    for (const server of servers.filter(isRunning)) {
        try {
            process.kill(server.pid, signal);
        } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== "ESRCH") {
                throw error;
            }
        }
    }
}
