import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { TorchServeRelease } from "../../components/torchserve/images";
import { HTTP_SOCKET, loopbackCommand, METRICS_SOCKET } from "./command";
import { podCommand } from "./pod";
import { pythonEnvironment } from "./pythonEnvironment";

export interface TorchServeOptions {
    readonly release: TorchServeRelease;
    /** A model store as KServe downloads it: `config/config.properties` and `model-store/`. */
    readonly store: string;
    /** What KServe sets for the service's protocol: `kserve` for V1, `kservev2` for V2. Without: TorchServe's own API. */
    readonly envelope?: "kserve" | "kservev2";
    /**
     * Start it as in its pod: the store at /mnt/models, the configuration and arguments as they are, in a network of its own.
     * Otherwise its addresses are overridden so that any number can run beside each other.
     * @default false
     */
    readonly asPod?: boolean;
}

export interface Reply {
    readonly status: number;
    readonly body: unknown;
}

const START_TIMEOUT_MILLISECONDS = 90_000;
const REQUEST_TIMEOUT_MILLISECONDS = 30_000;
const POLL_MILLISECONDS = 100;

/**
 * A running TorchServe. It listens on Unix sockets in its own temporary directory: no port to collide, and reachable from outside
 * of a network namespace.
 */
export class TorchServe {
    private output = "";

    private constructor(
        private readonly directory: string,
        private readonly processGroup: ChildProcess,
    ) {
        const collect = (chunk: Buffer) => {
            this.output += chunk.toString();
        };
        processGroup.stdout?.on("data", collect);
        processGroup.stderr?.on("data", collect);
        processGroup.on("error", error => collect(Buffer.from(error.message)));
        process.once("exit", this.kill);
    }

    static async start(options: TorchServeOptions): Promise<TorchServe> {
        const python = await pythonEnvironment(options.release);
        // Short, because the path of a Unix socket has 107 characters at most.
        const directory = await mkdtemp(join(tmpdir(), "kst-ts-"));
        const command = options.asPod ? podCommand(python, options.store) : loopbackCommand(python, options.store, directory);
        const child = spawn(command.program, command.args, {
            // A group of its own, so that the launcher, Java and the workers can be stopped together.
            detached: true,
            cwd: directory,
            stdio: ["ignore", "pipe", "pipe"],
            env: {
                ...withoutTorchServeSettings(process.env),
                // Java's temporary directory and the launcher's: both keep files of a fixed name there.
                TEMP: directory,
                TMPDIR: directory,
                LOG_LOCATION: join(directory, "logs"),
                METRICS_LOCATION: join(directory, "logs"),
                // The models are tiny: more threads than one only disturb their neighbours.
                OMP_NUM_THREADS: "1",
                ...(options.envelope === undefined ? {} : { TS_SERVICE_ENVELOPE: options.envelope }),
                ...command.env,
            },
        });
        return new TorchServe(directory, child);
    }

    /** What TorchServe has printed so far: its whole log. */
    get log(): string {
        return this.output;
    }

    get exited(): boolean {
        return this.processGroup.pid === undefined || this.processGroup.exitCode !== null || this.processGroup.signalCode !== null;
    }

    request(method: "GET" | "POST", path: string, body?: unknown): Promise<Reply> {
        return this.requestAt(HTTP_SOCKET, method, path, body);
    }

    /** What Prometheus would scrape. */
    metrics(): Promise<Reply> {
        return this.requestAt(METRICS_SOCKET, "GET", "/metrics");
    }

    private requestAt(socket: string, method: string, path: string, body?: unknown): Promise<Reply> {
        return new Promise((resolve, reject) => {
            const message = httpRequest(
                {
                    socketPath: join(this.directory, socket),
                    method,
                    path,
                    headers: body === undefined ? {} : { "content-type": "application/json" },
                    signal: AbortSignal.timeout(REQUEST_TIMEOUT_MILLISECONDS),
                },
                response => {
                    const chunks: Buffer[] = [];
                    response.on("data", (chunk: Buffer) => chunks.push(chunk));
                    response.on("error", reject);
                    response.on("end", () => resolve({ status: response.statusCode ?? 0, body: parsed(Buffer.concat(chunks).toString()) }));
                },
            );
            message.on("error", reject);
            message.end(body === undefined ? undefined : JSON.stringify(body));
        });
    }

    /**
     * Waits until a real prediction succeeds. Nothing less will do: /ping and /v1/models/NAME answer 200 while every worker dies.
     * Throws with the end of the log when TorchServe ends or takes too long.
     */
    async untilItAnswers(path: string, body: unknown): Promise<Reply> {
        const deadline = Date.now() + START_TIMEOUT_MILLISECONDS;
        while (!this.exited && Date.now() < deadline) {
            const reply = await this.request("POST", path, body).catch(() => undefined);
            if (reply?.status === 200) {
                return reply;
            }
            await delay(POLL_MILLISECONDS);
        }
        throw new Error(
            `TorchServe ${this.exited ? "has ended" : `has not answered POST ${path}`}; the end of its log:\n${this.log.slice(-6000)}`,
        );
    }

    /** Waits until the log says something, or TorchServe ends; true when it was said. */
    async untilItSays(pattern: RegExp): Promise<boolean> {
        const deadline = Date.now() + START_TIMEOUT_MILLISECONDS;
        while (!this.exited && !pattern.test(this.log) && Date.now() < deadline) {
            await delay(POLL_MILLISECONDS);
        }
        return pattern.test(this.log);
    }

    /** Ends TorchServe with all that it started, and removes its directory. */
    async stop(): Promise<void> {
        this.kill();
        process.off("exit", this.kill);
        if (!this.exited) {
            await once(this.processGroup, "exit");
        }
        // Workers that are just being killed may still write their logs.
        await rm(this.directory, { recursive: true, force: true, maxRetries: 10 });
    }

    // Nothing of it is kept, so there is no reason to wait for an orderly end, which takes four seconds.
    private readonly kill = () => {
        try {
            process.kill(-(this.processGroup.pid ?? Number.NaN), "SIGKILL");
        } catch {
            // All of the group have ended.
        }
    };
}

/** What the person who runs the tests has set for a TorchServe of his own would override the configuration under test. */
function withoutTorchServeSettings(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
    return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith("TS_")));
}

function parsed(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return text;
    }
}
