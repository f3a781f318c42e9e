import { type handleUnaryCall, Server, ServerCredentials, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";
import type { Callback } from "@pulumi/pulumi/proto/callback_pb";
import { EngineService, type IEngineServer } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { GetRootResourceResponse, LogSeverity, SetRootResourceResponse } from "@pulumi/pulumi/proto/engine_pb";
import { type IResourceMonitorServer, ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import {
    DeploymentInfo,
    type ReadResourceRequest,
    ReadResourceResponse,
    type RegisterResourceHookRequest,
    type RegisterResourceRequest,
    RegisterResourceResponse,
    ResourceInvokeResponse,
    ResourceMonitorFeature,
    SupportsFeatureResponse,
} from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { ProgramCallbacks } from "./callbacks";
import { type Properties, propertiesFromWire, propertiesToWire, Secret } from "./property";
import {
    describe,
    type HookMoment,
    providerUrn,
    type RegisteredResource,
    registeredResource,
    transformOptions,
    urnOf,
} from "./registeredResource";
import type { Change, ResourceHandler } from "./resourceHandler";

export interface MonitorOptions {
    readonly project: string;
    readonly stack: string;
    readonly organization: string;
    /** A preview: nothing is made, what is not known yet stays unknown. */
    readonly dryRun: boolean;
    readonly handler: ResourceHandler;
    /** Before anything is done about it. */
    readonly onRegister?: (resource: RegisteredResource) => void;
    readonly onResource?: (result: ResourceResult) => void;
    readonly onLog?: (log: ProgramLog) => void;
    readonly onFailure?: (failure: ResourceFailure) => void;
}

/** One resource of the program and what became of it. */
export interface ResourceResult {
    readonly resource: RegisteredResource;
    readonly change: Change;
    readonly id?: string;
    readonly outputs: Properties;
}

export interface ProgramLog {
    readonly severity: "info" | "warning" | "error";
    readonly message: string;
    readonly urn?: string;
}

/** A resource that could not be made, or that cannot be made at all. */
export interface ResourceFailure {
    readonly urn: string;
    /** `type name`. */
    readonly resource: string;
    readonly message: string;
}

interface Hook {
    readonly callback: Callback;
    readonly onDryRun: boolean;
    readonly ignoreErrors: boolean;
}

/** What Pulumi's SDKs ask an engine for; each is served below. Error hooks and packages with parameters are not. */
const features = [
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_SECRETS,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_RESOURCE_REFERENCES,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_OUTPUT_VALUES,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_ALIAS_SPECS,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_DELETED_WITH,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_REPLACE_WITH,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_REPLACEMENT_TRIGGER,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_TRANSFORMS,
    ResourceMonitorFeature.RESOURCE_MONITOR_FEATURE_RESOURCE_HOOKS,
];

/** A file handed to a resource may be inlined in a message. Source: `maxRPCMessageSize` in pulumi/pulumi `sdk/nodejs/runtime/settings.ts`. */
const maxMessageBytes = 400 * 1024 * 1024;

/**
 * The other side of a Pulumi program: what the Pulumi CLI is to it, over the same protocol, without a memory of past deployments.
 * Source: pulumi/pulumi `proto/pulumi/resource.proto` and `engine.proto`; order of transforms and hooks: `pkg/resource/deploy/source_eval.go`.
 */
export class Monitor {
    readonly results: ResourceResult[] = [];
    readonly failures: ResourceFailure[] = [];
    readonly logs: ProgramLog[] = [];
    /** What each component registered as its outputs, and the stack as its exports, by URN. */
    readonly registeredOutputs = new Map<string, Properties>();

    /** Resolves as soon as the deployment cannot succeed any more; a preview goes on after a resource that cannot be made. */
    readonly failed: Promise<void>;

    private setFailed: () => void = () => undefined;
    private readonly pending = new Set<Promise<unknown>>();
    private readonly urns = new Map<string, string | undefined>();
    private readonly transforms = new Map<string, readonly Callback[]>();
    private readonly stackTransforms: Callback[] = [];
    private readonly hooks = new Map<string, Hook>();
    private readonly callbacks = new ProgramCallbacks();
    private readonly server = new Server({
        "grpc.max_receive_message_length": maxMessageBytes,
        "grpc.max_send_message_length": maxMessageBytes,
    });
    private rootUrn = "";

    private constructor(private readonly options: MonitorOptions) {
        this.failed = new Promise(resolve => {
            this.setFailed = resolve;
        });
    }

    /** Starts listening on the loopback; `address` is both `--monitor` and `--engine` of a program. */
    static async start(options: MonitorOptions): Promise<Monitor & { readonly address: string }> {
        const monitor = new Monitor(options);
        monitor.server.addService(ResourceMonitorService, monitor.monitorService());
        monitor.server.addService(EngineService, monitor.engineService());
        const port = await new Promise<number>((resolve, reject) => {
            monitor.server.bindAsync("127.0.0.1:0", ServerCredentials.createInsecure(), (error, bound) =>
                error === null ? resolve(bound) : reject(error),
            );
        });
        return Object.assign(monitor, { address: `127.0.0.1:${port}` });
    }

    get dryRun(): boolean {
        return this.options.dryRun;
    }

    /** The exports of the stack. */
    get stackOutputs(): Properties {
        return this.registeredOutputs.get(this.rootUrn) ?? {};
    }

    /** Ends only after everything that was begun has ended: nothing is made after a deployment is over. */
    async stop(): Promise<void> {
        this.callbacks.close();
        this.server.forceShutdown();
        await Promise.allSettled(this.pending);
    }

    private monitorService(): IResourceMonitorServer {
        return {
            getDeploymentInfo: answer(async () => {
                const info = new DeploymentInfo();
                info.setProject(this.options.project);
                info.setStack(this.options.stack);
                info.setOrganization(this.options.organization);
                info.setDryrun(this.options.dryRun);
                info.setSupportedfeaturesList(features);
                return info;
            }),
            supportsFeature: answer(async () => new SupportsFeatureResponse()),
            registerResource: answer(request => this.register(request)),
            registerResourceOutputs: answer(async request => {
                this.registeredOutputs.set(request.getUrn(), propertiesFromWire(request.getOutputs()?.toJavaScript()));
                return new Empty();
            }),
            readResource: answer(request => this.read(request)),
            invoke: answer(async request => {
                const outputs = await this.options.handler.invoke(request.getTok(), propertiesFromWire(request.getArgs()?.toJavaScript()));
                const response = new ResourceInvokeResponse();
                response.setReturn(Struct.fromJavaScript(propertiesToWire(outputs)));
                return response;
            }),
            registerStackTransform: answer(async callback => {
                this.stackTransforms.push(callback);
                return new Empty();
            }),
            registerResourceHook: answer(async request => this.registerHook(request)),
            signalAndWaitForShutdown: answer(async () => new Empty()),
            call: answer(async request => this.unsupported(`the method ${request.getTok()}`)),
            existsResource: answer(async request => this.unsupported(`asking whether ${request.getType()} ${request.getId()} exists`)),
            registerStackInvokeTransform: answer(async () => this.unsupported("a transform of function calls")),
            registerErrorHook: answer(async request => this.unsupported(`the error hook ${request.getName()}`)),
            registerPackage: answer(async request => this.unsupported(`the package ${request.getName()} with parameters`)),
        };
    }

    private engineService(): IEngineServer {
        return {
            log: answer(async request => {
                if (request.getSeverity() !== LogSeverity.DEBUG) {
                    this.log({
                        severity: severities[request.getSeverity()],
                        message: request.getMessage(),
                        ...(request.getUrn() === "" ? {} : { urn: request.getUrn() }),
                    });
                }
                return new Empty();
            }),
            getRootResource: answer(async () => {
                const response = new GetRootResourceResponse();
                response.setUrn(this.rootUrn);
                return response;
            }),
            setRootResource: answer(async request => {
                this.rootUrn = request.getUrn();
                return new SetRootResourceResponse();
            }),
            startDebugging: answer(async () => this.unsupported("a debugger")),
            requirePulumiVersion: answer(async request =>
                this.unsupported(`a check of the CLI's version (${request.getPulumiVersionRange()})`),
            ),
        };
    }

    private async register(request: RegisterResourceRequest): Promise<RegisterResourceResponse> {
        const urn = urnOf(this.options.project, this.options.stack, request.getType(), request.getName(), request.getParent());
        const label = describe({ type: request.getType(), name: request.getName() });
        if (this.urns.has(urn)) {
            const message = "two resources have this URN; give them different names or parents";
            return this.answerFailed({ urn, resource: label, message }, request);
        }
        this.urns.set(urn, request.getParent() || undefined);
        this.transforms.set(urn, request.getTransformsList());
        try {
            const resource = await this.transformed(urn, request);
            this.options.onRegister?.(resource);
            const result = await this.track(this.make(resource));
            this.results.push(result);
            this.options.onResource?.(result);
            return response(urn, result.outputs, result.id);
        } catch (error) {
            return this.answerFailed({ urn, resource: label, message: messageOf(error) }, request);
        }
    }

    /** A resource passes its own transforms, then those of its ancestors from the nearest on, then the stack's. */
    private async transformed(urn: string, request: RegisterResourceRequest): Promise<RegisteredResource> {
        let declared = {
            inputs: propertiesFromWire(request.getObject()?.toJavaScript()),
            options: transformOptions(request),
        };
        for (let current: string | undefined = urn; current !== undefined; current = this.urns.get(current)) {
            for (const transform of this.transforms.get(current) ?? []) {
                declared = await this.callbacks.transform(transform, request, declared);
            }
        }
        for (const transform of this.stackTransforms) {
            declared = await this.callbacks.transform(transform, request, declared);
        }
        return registeredResource(urn, request, declared.inputs, declared.options);
    }

    private async make(resource: RegisteredResource): Promise<ResourceResult> {
        const { handler, dryRun } = this.options;
        const plan = await handler.plan(resource);
        const before = { created: "beforeCreate", asked: "beforeCreate", updated: "beforeUpdate", unchanged: undefined } as const;
        const after = { created: "afterCreate", asked: "afterCreate", updated: "afterUpdate", unchanged: undefined } as const;
        await this.runHooks(before[plan.change], resource, plan.id);
        const made = dryRun ? plan : await handler.apply(resource, plan);
        const outputs = withSecrets(made.outputs, resource.options.additionalSecretOutputs ?? []);
        await this.runHooks(after[plan.change], resource, made.id, outputs);
        return { resource, change: plan.change, outputs, ...(made.id === undefined ? {} : { id: made.id }) };
    }

    private async runHooks(moment: HookMoment | undefined, resource: RegisteredResource, id = "", outputs?: Properties): Promise<void> {
        for (const name of (moment && resource.options.hooks?.[moment]) ?? []) {
            const hook = this.hooks.get(name);
            if (hook === undefined) {
                throw new Error(`the hook ${name} is not registered`);
            }
            const error =
                this.options.dryRun && !hook.onDryRun ? undefined : await this.callbacks.hook(hook.callback, resource, id, outputs);
            if (error !== undefined && !hook.ignoreErrors) {
                throw new Error(`${moment} hook ${name}: ${error}`);
            }
            if (error !== undefined) {
                this.log({ severity: "warning", message: `${moment} hook ${name}: ${error}`, urn: resource.urn });
            }
        }
    }

    private registerHook(request: RegisterResourceHookRequest): Empty {
        const callback = request.getCallback();
        if (callback === undefined || this.hooks.has(request.getName())) {
            throw new Error(`a hook with the name ${request.getName()} is registered already`);
        }
        this.hooks.set(request.getName(), { callback, onDryRun: request.getOnDryRun(), ignoreErrors: request.getIgnoreErrors() });
        return new Empty();
    }

    private async read(request: ReadResourceRequest): Promise<ReadResourceResponse> {
        const urn = urnOf(this.options.project, this.options.stack, request.getType(), request.getName(), request.getParent());
        const provider = providerUrn(request.getProvider());
        try {
            const outputs = await this.options.handler.read({
                urn,
                type: request.getType(),
                name: request.getName(),
                id: request.getId(),
                inputs: propertiesFromWire(request.getProperties()?.toJavaScript()),
                ...(provider === "" ? {} : { provider }),
            });
            const read = new ReadResourceResponse();
            read.setUrn(urn);
            read.setProperties(Struct.fromJavaScript(propertiesToWire(outputs)));
            return read;
        } catch (error) {
            return this.fail({ urn, resource: `${request.getType()} ${request.getName()}`, message: messageOf(error) });
        }
    }

    /** A preview goes on with what is known, to find everything else that is wrong. */
    private answerFailed(failure: ResourceFailure, request: RegisterResourceRequest): RegisterResourceResponse {
        if (!this.options.dryRun) {
            this.fail(failure);
        }
        this.note(failure);
        return response(failure.urn, propertiesFromWire(request.getObject()?.toJavaScript()));
    }

    /** Answers as the CLI does when a deployment has failed: the program then stops without a word of its own. */
    private fail(failure: ResourceFailure): never {
        this.note(failure);
        throw Object.assign(new Error("the deployment has failed"), { code: status.UNAVAILABLE });
    }

    private track<T>(work: Promise<T>): Promise<T> {
        this.pending.add(work);
        return work.finally(() => this.pending.delete(work));
    }

    private note(failure: ResourceFailure): void {
        this.failures.push(failure);
        if (!this.options.dryRun) {
            this.setFailed();
        }
        this.options.onFailure?.(failure);
    }

    private unsupported(what: string): never {
        return this.fail({ urn: this.rootUrn, resource: what, message: "this needs the Pulumi CLI" });
    }

    private log(log: ProgramLog): void {
        this.logs.push(log);
        if (log.severity === "error") {
            this.setFailed();
        }
        this.options.onLog?.(log);
    }
}

const severities = {
    [LogSeverity.DEBUG]: "info",
    [LogSeverity.INFO]: "info",
    [LogSeverity.WARNING]: "warning",
    [LogSeverity.ERROR]: "error",
} as const;

function response(urn: string, outputs: Properties, id = ""): RegisterResourceResponse {
    const message = new RegisterResourceResponse();
    message.setUrn(urn);
    message.setId(id);
    message.setObject(Struct.fromJavaScript(propertiesToWire(outputs)));
    return message;
}

/** `additionalSecretOutputs` names top-level outputs. */
function withSecrets(outputs: Properties, names: readonly string[]): Properties {
    return Object.fromEntries(
        Object.entries(outputs).map(([name, value]) => [
            name,
            names.includes(name) && !(value instanceof Secret) ? new Secret(value) : value,
        ]),
    );
}

function answer<Request, Response>(serve: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
    return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
        serve(call.request).then(
            result => callback(null, result),
            error => callback({ code: codeOf(error), details: messageOf(error) }),
        );
    };
}

function codeOf(error: unknown): status {
    return error instanceof Error && "code" in error && error.code === status.UNAVAILABLE ? status.UNAVAILABLE : status.UNKNOWN;
}

function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
