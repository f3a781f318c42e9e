import { createRequire } from "node:module";
import * as pulumi from "@pulumi/pulumi";
import { Monitor, type ResourceResult } from "../../tools/sandbox/deploy/monitor";
import type { ProgramLog } from "../../tools/sandbox/deploy/programEngine";
import type { Properties } from "../../tools/sandbox/deploy/property";
import { describe, type RegisteredResource } from "../../tools/sandbox/deploy/registeredResource";
import { type Invoke, type OutputsFor, recordingHandler } from "./recordingHandler";

export interface RecordOptions {
    /** True for `pulumi preview`: computed outputs are unknown. */
    readonly preview: boolean;
    /** @default "test-project" */
    readonly project?: string;
    /** @default "test-stack" */
    readonly stack?: string;
    /** Stack configuration; a key without a namespace belongs to the project, a structured value is passed as Pulumi passes it: JSON. */
    readonly config?: Readonly<Record<string, unknown>>;
    /** Keys of `config` that are secret. */
    readonly secretConfig?: readonly string[];
    /** Outputs of a custom resource besides its inputs, an id and what the recorder computes for well-known types. */
    readonly outputsFor?: OutputsFor;
    /** Answers function calls (`getX`); without it a call is an error. */
    readonly invoke?: Invoke;
    /**
     * How long a program may take before it counts as waiting for something that never comes.
     * @default 10
     */
    readonly timeoutSeconds?: number;
}

/** A resource as it was registered, with the answer it got. */
export interface RecordedResource extends RegisteredResource {
    /** Absent for components and, in a preview, for everything. */
    readonly id?: string;
    readonly outputs: Properties;
}

/** What a program did: every registration, options included, in the order in which it came. */
export class Recording {
    constructor(
        /** Without the stack itself. */
        readonly resources: readonly RecordedResource[],
        /** What the stack exports. */
        readonly outputs: Properties,
        /** What each component registered as its outputs, by URN. */
        readonly componentOutputs: ReadonlyMap<string, Properties>,
        /** Everything that went wrong, in full; empty unless it comes from `recordFailure`. */
        readonly errors: readonly string[],
        readonly logs: readonly ProgramLog[],
    ) {}

    /** The one resource with this name (and type, when the name alone does not say it). */
    resource(name: string, type?: string): RecordedResource {
        const found = this.resources.filter(resource => resource.name === name && (type === undefined || resource.type === type));
        if (found.length !== 1 || found[0] === undefined) {
            throw new Error(`${found.length} resources are named ${type ?? ""} ${name}; there are:\n${this.names().join("\n")}`);
        }
        return found[0];
    }

    ofType(type: string): RecordedResource[] {
        return this.resources.filter(resource => resource.type === type);
    }

    childrenOf(parent: RecordedResource): RecordedResource[] {
        return this.resources.filter(resource => resource.parent === parent.urn);
    }

    /** `type name` of each resource, sorted. */
    names(): string[] {
        return this.resources.map(describe).sort();
    }
}

type Program = () => Promise<Record<string, unknown> | undefined> | Record<string, unknown> | undefined | Promise<void> | void;

/**
 * Runs a program through Pulumi's own runtime and records what it registers. Fails on everything that `pulumi up` would fail on, and on
 * what it lets pass: an unhandled rejection, a promise that never resolves, an error in the log.
 */
export async function recordProgram(program: Program, options: RecordOptions): Promise<Recording> {
    const recording = await record(program, options);
    if (recording.errors.length > 0) {
        throw new Error(`the program failed:\n${recording.errors.join("\n")}`);
    }
    return recording;
}

/** Runs a program that must fail; gives what went wrong beside what had been registered by then. */
export async function recordFailure(program: Program, options: RecordOptions): Promise<Recording> {
    const recording = await record(program, options);
    if (recording.errors.length === 0) {
        throw new Error("the program was expected to fail, and did not");
    }
    return recording;
}

/** Two deployments one after the other, to compare what a change of arguments does to names, URNs and inputs. */
export async function recordUpdate(
    before: Program,
    after: Program,
    options: Omit<RecordOptions, "preview"> = {},
): Promise<{ readonly before: Recording; readonly after: Recording }> {
    return {
        before: await recordProgram(before, { ...options, preview: false }),
        after: await recordProgram(after, { ...options, preview: false }),
    };
}

/**
 * Pulumi's types leave out what its Automation API runs inline programs with (`automation/server.js`): a store for one run's settings,
 * and the promises that were never awaited. The same copy of Pulumi as the components use, since both are required from here.
 */
const requirePulumi = createRequire(__filename);
const runtimeState: { withLocalStorage<T>(run: () => T): T } = requirePulumi("@pulumi/pulumi/runtime/state");
const debuggable: { leakedPromises(): [ReadonlySet<unknown>, string] } = requirePulumi("@pulumi/pulumi/runtime/debuggable");

let previous: Promise<unknown> = Promise.resolve();

/** One at a time: unhandled rejections are the whole process's, and must be told apart. */
function record(program: Program, options: RecordOptions): Promise<Recording> {
    const current = previous.then(() => recordAlone(program, options));
    previous = current.catch(() => undefined);
    return current;
}

async function recordAlone(program: Program, options: RecordOptions): Promise<Recording> {
    const project = options.project ?? "test-project";
    const stack = options.stack ?? "test-stack";
    const results: ResourceResult[] = [];
    let fail: (end: "failed") => void = () => undefined;
    const failure = new Promise<"failed">(resolve => {
        fail = resolve;
    });
    const monitor = await Monitor.start({
        project,
        stack,
        organization: "organization",
        dryRun: options.preview,
        handler: recordingHandler(options.outputsFor ?? (() => undefined), options.invoke),
        onResource: result => results.push(result),
        // After a failure the program's process ends by itself; run in this one, it would wait for its RPCs for ever.
        onFailure: () => options.preview || fail("failed"),
    });
    const errors = new Set<string>();
    const release = collectUnhandled(error => errors.add(textOf(error)));
    try {
        await runtimeState.withLocalStorage(async () => {
            pulumi.runtime.resetOptions(project, stack, 16, monitor.address, monitor.address, options.preview, "organization");
            pulumi.runtime.setAllConfig(
                configFor(project, options.config ?? {}),
                (options.secretConfig ?? []).map(key => namespaced(project, key)),
            );
            const run = async () => {
                await pulumi.runtime.runInPulumiStack(async () => program());
                await pulumi.runtime.disconnect(true);
                return "ended";
            };
            const seconds = options.timeoutSeconds ?? 10;
            const end = await withTimeout([run(), failure], seconds * 1000).catch((error: unknown) => {
                errors.add(textOf(error));
                return "failed";
            });
            await settle();
            const [leaks, message] = debuggable.leakedPromises();
            if (errors.size === 0 && monitor.failures.length === 0 && (leaks.size > 0 || end === "timeout")) {
                errors.add(message || `the program did not end within ${seconds} seconds`);
            }
            pulumi.runtime.disconnectSync();
        });
        await settle();
    } finally {
        release();
        await monitor.stop();
    }
    return new Recording(
        results
            .filter(({ resource }) => resource.type !== "pulumi:pulumi:Stack")
            .map(({ resource, id, outputs }) => ({ ...resource, ...(id ? { id } : {}), outputs })),
        monitor.stackOutputs,
        monitor.registeredOutputs,
        [
            ...errors,
            ...monitor.failures.map(failure => `${failure.resource}: ${failure.message}`),
            ...monitor.logs.filter(log => log.severity === "error").map(log => log.message),
        ],
        monitor.logs,
    );
}

/** Takes the place of the test runner's own listeners, which would count the expected errors of a program as errors of the tests. */
function collectUnhandled(collect: (error: unknown) => void): () => void {
    const events = ["unhandledRejection", "uncaughtException"] as const;
    const restore = events.map(event => {
        const emitter: NodeJS.EventEmitter = process;
        const others = emitter.listeners(event);
        emitter.removeAllListeners(event);
        emitter.on(event, collect);
        return () => {
            emitter.removeListener(event, collect);
            for (const other of others) {
                emitter.on(event, forwarders.get(other) ?? forwardTo(other));
            }
        };
    });
    return () => {
        for (const undo of restore) {
            undo();
        }
    };
}

/** Listeners of ours in the place of the test runner's, by themselves, so that none is wrapped twice. */
const forwarders = new WeakMap<object, (...args: unknown[]) => void>();

/** What a failed program still had under way ends when its monitor does. That is no error of the tests, whenever it comes. */
function forwardTo(other: object): (...args: unknown[]) => void {
    const forward = (...args: unknown[]) => {
        const [error] = args;
        if (!(error instanceof Error && error.message === "Resource monitor is terminating") && typeof other === "function") {
            Reflect.apply(other, process, args);
        }
    };
    forwarders.set(forward, forward);
    return forward;
}

/** Node reports a rejection as unhandled only after the microtasks of its turn. */
async function settle(): Promise<void> {
    for (let turn = 0; turn < 3; turn++) {
        await new Promise(resolve => setImmediate(resolve));
    }
}

async function withTimeout<T>(ends: readonly Promise<T>[], milliseconds: number): Promise<T | "timeout"> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<"timeout">(resolve => {
        timer = setTimeout(() => resolve("timeout"), milliseconds);
    });
    try {
        return await Promise.race([...ends, timeout]);
    } finally {
        clearTimeout(timer);
    }
}

function configFor(project: string, config: Readonly<Record<string, unknown>>): Record<string, string> {
    return Object.fromEntries(
        Object.entries(config).map(([key, value]) => [namespaced(project, key), typeof value === "string" ? value : JSON.stringify(value)]),
    );
}

function namespaced(project: string, key: string): string {
    return key.includes(":") ? key : `${project}:${key}`;
}

function textOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
