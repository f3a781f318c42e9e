import { ClusterApi } from "./clusterApi";
import { DynamicResources } from "./dynamic";
import { GoogleCloudResources } from "./googleCloud";
import { KubernetesObjects } from "./kubernetes";
import { Monitor, type ResourceResult } from "./monitor";
import { ObjectStore } from "./objectStore";
import { type ProgramEnd, runProgram } from "./program";
import type { ProgramLog } from "./programEngine";
import { programMessage, Redactor } from "./programMessage";
import { mask, type Properties, secretTexts } from "./property";
import { Providers, type SandboxServers } from "./providers";
import { prune, type Removal, removableBuckets, removableObjects, removalProblems } from "./prune";
import { describe } from "./registeredResource";
import type { Change } from "./resourceHandler";
import { SandboxResources } from "./sandboxResources";
import { type Project, readProject } from "./stackFiles";
import { checkIdentity, type StackIdentity } from "./stackIdentity";

export interface DeployOptions {
    /** The folder with Pulumi.yaml. */
    readonly projectDir: string;
    readonly stack: string;
    /** Path of the stack's configuration, e.g. `Pulumi.sandbox.yaml`. */
    readonly configFile?: string;
    readonly target: SandboxServers;
    readonly onEvent?: (event: DeployEvent) => void;
    readonly signal?: AbortSignal;
}

/** What happens meanwhile; every text is free of secrets. */
export type DeployEvent =
    | { readonly kind: "phase"; readonly phase: "plan" | "apply" | "prune" }
    | { readonly kind: "resource"; readonly phase: "plan" | "apply"; readonly resource: string; readonly change: Change }
    | { readonly kind: "removed"; readonly what: string }
    | { readonly kind: "log"; readonly severity: ProgramLog["severity"]; readonly message: string };

/** What a deployment would do. */
export interface ProgramPlan {
    /** Every resource of the program as it was registered, components too, for policies to look at. */
    readonly resources: readonly ResourceResult[];
    readonly changes: Changes;
    readonly outputs: Properties;
}

/** Each as `type name`; what is deleted, as `Kind namespace/name`. */
export interface Changes {
    readonly created: readonly string[];
    readonly updated: readonly string[];
    readonly unchanged: readonly string[];
    /** Dynamic resources, which only their own code can tell changed from unchanged. */
    readonly asked: readonly string[];
    readonly deleted: readonly string[];
}

export interface Deployment {
    /** The stack's exports; what is secret in them is marked, and masked by `shownOutputs`. */
    readonly outputs: Properties;
    readonly changes: Changes;
}

/** What is wrong, one line each. A user's mistake or a server's refusal: shown without a stack trace. */
export class DeploymentFailed extends Error {
    constructor(
        readonly phase: "plan" | "apply" | "prune",
        readonly problems: readonly string[],
    ) {
        super(problems.join("\n"));
    }
}

/** Runs the program without making anything. */
export async function planProgram(options: DeployOptions): Promise<ProgramPlan> {
    return Session.within(options, session => session.plan());
}

/** Makes the cluster and the object store what the program says: plan, and if nothing is wrong with it, apply and prune. */
export async function deployProgram(options: DeployOptions): Promise<Deployment> {
    return Session.within(options, async session => {
        await session.plan();
        return session.apply();
    });
}

/** Removes everything that bears the stack's mark, without running its program. */
export async function destroyProgram(options: DeployOptions): Promise<{ readonly deleted: readonly string[] }> {
    return Session.within(options, async session => ({ deleted: await session.prune(await session.removals()) }));
}

/** Outputs as they may be shown. */
export function shownOutputs(outputs: Properties): Readonly<Record<string, unknown>> {
    return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, mask(value)]));
}

interface Run {
    readonly monitor: Monitor;
    readonly kubernetes: KubernetesObjects;
    readonly googleCloud: GoogleCloudResources;
}

/** One stack and the servers it is deployed to. Keeps nothing that the next run would need: that is all in the servers. */
class Session {
    private readonly redactor = new Redactor();
    /** One process for plan and apply: the program's code is the same in both. */
    private readonly dynamic: DynamicResources;
    private refusedHosts: string[] = [];

    private constructor(
        private readonly options: DeployOptions,
        private readonly project: Project,
        private readonly identity: StackIdentity,
        private readonly api: ClusterApi,
        private readonly store: ObjectStore,
    ) {
        this.redactor.add(project.secretKeys.map(key => project.config[key] ?? ""));
        this.dynamic = new DynamicResources({
            programDir: project.pwd,
            project: project.name,
            stack: options.stack,
            config: project.config,
            environment: this.environment(),
            onOutput: message => this.log({ severity: "info", message }),
            onRefused: host => this.refusedHosts.push(host),
        });
    }

    static async within<T>(options: DeployOptions, work: (session: Session) => Promise<T>): Promise<T> {
        const session = await Session.open(options);
        try {
            return await work(session);
        } finally {
            await session.dynamic.stop();
        }
    }

    private static async open(options: DeployOptions): Promise<Session> {
        const project = readProject(options.projectDir, options.configFile);
        const identity = { project: project.name, stack: options.stack };
        checkIdentity(identity);
        const { kubeconfig, context, objectStore } = options.target;
        return new Session(
            options,
            project,
            identity,
            await ClusterApi.connect(kubeconfig, context),
            new ObjectStore(objectStore, identity),
        );
    }

    async plan(): Promise<ProgramPlan> {
        const run = await this.run("plan");
        const removals = await this.removals(run);
        const problems = removalProblems(removals);
        if (problems.length > 0) {
            throw new DeploymentFailed("plan", problems);
        }
        return {
            resources: run.monitor.results,
            changes: changesOf(
                run.monitor.results,
                removals.filter(({ onRemoval }) => onRemoval === undefined).map(({ what }) => what),
            ),
            outputs: run.monitor.stackOutputs,
        };
    }

    async apply(): Promise<Deployment> {
        const run = await this.run("apply");
        const deleted = await this.prune(await this.removals(run));
        return { outputs: run.monitor.stackOutputs, changes: changesOf(run.monitor.results, deleted) };
    }

    /** What the stack has and the program does not declare; everything, without a run of the program. */
    async removals(run?: Run): Promise<Removal[]> {
        const isDeclared = (key: string, kind: string) =>
            run !== undefined && (run.kubernetes.declared.has(key) || run.kubernetes.namesUnknown.has(kind));
        const isDeclaredBucket = (bucket: string) =>
            run !== undefined && (run.googleCloud.declaredBuckets.has(bucket) || run.googleCloud.bucketNamesUnknown);
        const isDeclaredMember = (bucket: string, role: string, member: string) =>
            run?.monitor.dryRun === true || run?.googleCloud.declaredMembers.has(`${bucket} ${role} ${member}`) === true;
        return [
            ...(await removableObjects(this.api, this.identity, isDeclared)),
            ...(await removableBuckets(this.store, isDeclaredBucket, isDeclaredMember)),
        ];
    }

    async prune(removals: readonly Removal[]): Promise<string[]> {
        this.emit({ kind: "phase", phase: "prune" });
        const problems = removalProblems(removals);
        if (problems.length > 0) {
            throw new DeploymentFailed("prune", problems);
        }
        const deleted: string[] = [];
        const onRemoved = ({ what }: Removal) => {
            deleted.push(what);
            this.emit({ kind: "removed", what });
        };
        try {
            await prune(removals, onRemoved, this.options.signal);
        } catch (error) {
            throw new DeploymentFailed("prune", [this.redactor.clean(error instanceof Error ? error.message : String(error))]);
        }
        return deleted;
    }

    private async run(phase: "plan" | "apply"): Promise<Run> {
        this.options.signal?.throwIfAborted();
        this.emit({ kind: "phase", phase });
        const { identity, project, options, dynamic } = this;
        this.refusedHosts = [];
        const providers = new Providers(options.target);
        const kubernetes = new KubernetesObjects(this.api, identity, urn => providers.text(urn, "namespace"));
        const googleCloud = new GoogleCloudResources(
            this.store,
            identity,
            urn => providers.text(urn, "project") ?? project.config["gcp:project"] ?? "sandbox",
        );
        const monitor = await Monitor.start({
            project: project.name,
            stack: options.stack,
            organization: "sandbox",
            dryRun: phase === "plan",
            handler: new SandboxResources({ providers, kubernetes, googleCloud, dynamic }),
            onRegister: resource => this.redactor.add(secretTexts(resource.inputs)),
            onResource: result => {
                this.redactor.add(secretTexts(result.outputs));
                if (result.resource.custom && !result.resource.type.startsWith("pulumi:")) {
                    this.emit({ kind: "resource", phase, resource: describe(result.resource), change: result.change });
                }
            },
            onLog: log => log.severity === "error" || this.log(log),
        });
        try {
            const end = await runProgram({
                project,
                stack: options.stack,
                organization: "sandbox",
                address: monitor.address,
                dryRun: phase === "plan",
                environment: this.environment(),
                onOutput: message => this.log({ severity: "info", message }),
                failed: monitor.failed,
                signal: options.signal,
            });
            options.signal?.throwIfAborted();
            const problems = problemsOf(monitor, end, this.refusedHosts);
            if (problems.length > 0) {
                throw new DeploymentFailed(
                    phase,
                    problems.map(problem => this.redactor.clean(problem)),
                );
            }
            return { monitor, kubernetes, googleCloud };
        } catch (error) {
            // What is still being asked of it must not go on.
            await dynamic.stop();
            throw error;
        } finally {
            await monitor.stop();
        }
    }

    /** Clients that look for ambient servers find the sandbox's. */
    private environment(): Record<string, string> {
        const { kubeconfig } = this.options.target;
        return { KUBECONFIG: kubeconfig, PULUMI_SKIP_UPDATE_CHECK: "true" };
    }

    private log(log: ProgramLog): void {
        this.emit({ kind: "log", severity: log.severity, message: this.redactor.clean(log.message) });
    }

    private emit(event: DeployEvent): void {
        this.options.onEvent?.(event);
    }
}

/** Everything that is wrong, once: what could not be made, else what the program said, else how it ended. */
function problemsOf(monitor: Monitor, end: ProgramEnd, refusedByProviders: readonly string[]): string[] {
    const hosts = [...end.refusedHosts, ...refusedByProviders];
    const problems = [
        ...hosts.map(host => `the program wanted to talk to ${host}; no connection leaves the sandbox`),
        ...monitor.failures.map(({ resource, message }) => `${resource}: ${programMessage(message)}`),
    ];
    const logged = monitor.logs.filter(({ severity }) => severity === "error").map(({ message }) => programMessage(message));
    if (problems.length === 0) {
        problems.push(...logged);
    }
    if (problems.length === 0 && end.exitCode !== 0) {
        problems.push(end.lastWords || `the program ended with exit code ${end.exitCode}`);
    }
    return [...new Set(problems)];
}

function changesOf(results: readonly ResourceResult[], deleted: readonly string[]): Changes {
    const made = results.filter(({ resource }) => resource.custom && !resource.type.startsWith("pulumi:"));
    const of = (change: Change) => made.filter(result => result.change === change).map(({ resource }) => describe(resource));
    return { created: of("created"), updated: of("updated"), unchanged: of("unchanged"), asked: of("asked"), deleted };
}
