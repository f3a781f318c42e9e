import { GuardedProcess, pulumiScript } from "./childProcess";
import { programMessage } from "./programMessage";
import type { Project } from "./stackFiles";

export interface RunOptions {
    readonly project: Project;
    readonly stack: string;
    readonly organization: string;
    /** Of the monitor, which is also the engine. */
    readonly address: string;
    readonly dryRun: boolean;
    readonly environment: Readonly<Record<string, string>>;
    readonly onOutput: (line: string) => void;
    /** Resolves when the deployment cannot succeed any more. */
    readonly failed: Promise<void>;
    readonly signal?: AbortSignal | undefined;
}

/** How a program's process ended, apart from what it told the monitor. */
export interface ProgramEnd {
    readonly exitCode: number;
    /** Hosts outside this machine that it wanted to talk to. */
    readonly refusedHosts: readonly string[];
    /** The last it wrote, for an end that was not explained. */
    readonly lastWords: string;
}

/**
 * Pulumi's host shows an error through `util.inspect` in colours, which in Node 20 and 22 never ends, and takes all memory, when a frame's path
 * ends right after `node_modules/@scope/`; those of Pulumi's own `apply` do, since its source maps say so. Without frames there is no such path.
 */
const withoutStackTraces = ["--stack-trace-limit=0"];

/**
 * How long a program that has failed may go on, to say what else is wrong. By itself, Node's gRPC client can keep it for another half
 * minute after an error in an output.
 */
const lastWordsMilliseconds = 1500;

/** Runs the program as the Pulumi CLI's Node host does: in a process of its own, through `@pulumi/pulumi/cmd/run`. */
export async function runProgram(options: RunOptions): Promise<ProgramEnd> {
    const { project } = options;
    const refusedHosts = new Set<string>();
    const stderr: string[] = [];
    const child = new GuardedProcess(pulumiScript(project.pwd, "cmd/run"), runArguments(options), {
        cwd: project.pwd,
        nodeArguments: [...withoutStackTraces, ...project.nodeArguments],
        environment: { ...options.environment, ...programEnvironment(project) },
        onLine: (line, stream) => {
            if (stream === "stderr") {
                stderr.push(line);
            }
            options.onOutput(line);
        },
        onRefused: host => refusedHosts.add(host),
    });
    const abort = () => void child.stop();
    let ended = false;
    void options.failed.then(() => ended || setTimeout(abort, lastWordsMilliseconds).unref());
    options.signal?.addEventListener("abort", abort, { once: true });
    try {
        const exitCode = await child.exited;
        return { exitCode, refusedHosts: [...refusedHosts], lastWords: programMessage(stderr.slice(-20).join("\n")) };
    } finally {
        ended = true;
        options.signal?.removeEventListener("abort", abort);
    }
}

function runArguments({ project, stack, organization, address, dryRun }: RunOptions): string[] {
    return [
        ...["--monitor", address, "--engine", address],
        ...["--project", project.name, "--stack", stack, "--organization", organization],
        ...["--pwd", project.pwd, "--root-directory", project.root, "--parallel", "16"],
        ...(dryRun ? ["--dry-run"] : []),
        project.program,
    ];
}

/** Source: pulumi/pulumi `sdk/nodejs/cmd/pulumi-language-nodejs/main.go`. */
function programEnvironment(project: Project): Record<string, string> {
    return {
        PULUMI_CONFIG: JSON.stringify(project.config),
        PULUMI_CONFIG_SECRET_KEYS: JSON.stringify(project.secretKeys),
        PULUMI_NODEJS_TYPESCRIPT: String(project.typescript),
    };
}
