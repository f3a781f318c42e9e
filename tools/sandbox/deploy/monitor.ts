import { Server, ServerCredentials } from "@grpc/grpc-js";
import { EngineService } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { type IResourceMonitorServer, ResourceMonitorService } from "@pulumi/pulumi/proto/resource_grpc_pb";
import {
    DeploymentInfo,
    type ReadResourceRequest,
    ReadResourceResponse,
    type RegisterResourceRequest,
    RegisterResourceResponse,
    ResourceInvokeResponse,
    ResourceMonitorFeature,
    SupportsFeatureResponse,
} from "@pulumi/pulumi/proto/resource_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { ProgramCallbacks } from "./callbacks";
import { Hooks } from "./hooks";
import { ProgramEngine, type ProgramLog } from "./programEngine";
import { type Properties, propertiesFromWire, propertiesToWire, Secret } from "./property";
import { describe, providerUrn, type RegisteredResource, registeredResource, transformOptions, urnOf } from "./registeredResource";
import type { Change, ResourceHandler } from "./resourceHandler";
import { Transforms } from "./transforms";
import { answer, Gone, messageOf } from "./unary";

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

/** A resource that could not be made, or that cannot be made at all. */
export interface ResourceFailure {
    readonly urn: string;
    /** `type name`. */
    readonly resource: string;
    readonly message: string;
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
 * Source: pulumi/pulumi `proto/pulumi/resource.proto` and `engine.proto`.
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
    private readonly urns = new Set<string>();
    private readonly callbacks = new ProgramCallbacks();
    private readonly transforms = new Transforms(this.callbacks);
    private readonly hooks: Hooks;
    private readonly server = new Server({
        "grpc.max_receive_message_length": maxMessageBytes,
        "grpc.max_send_message_length": maxMessageBytes,
    });
    private readonly engine = new ProgramEngine(
        log => this.log(log),
        what => this.unsupported(what),
    );

    private constructor(private readonly options: MonitorOptions) {
        this.failed = new Promise(resolve => {
            this.setFailed = resolve;
        });
        this.hooks = new Hooks(this.callbacks, options.dryRun, (message, urn) => this.log({ severity: "warning", message, urn }));
    }

    /** Starts listening on the loopback; `address` is both `--monitor` and `--engine` of a program. */
    static async start(options: MonitorOptions): Promise<Monitor & { readonly address: string }> {
        const monitor = new Monitor(options);
        monitor.server.addService(ResourceMonitorService, monitor.monitorService());
        monitor.server.addService(EngineService, monitor.engine.service());
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
        return this.registeredOutputs.get(this.engine.rootUrn) ?? {};
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
                this.transforms.addToStack(callback);
                return new Empty();
            }),
            registerResourceHook: answer(async request => {
                this.hooks.register(request);
                return new Empty();
            }),
            signalAndWaitForShutdown: answer(async () => new Empty()),
            call: answer(async request => this.unsupported(`the method ${request.getTok()}`)),
            existsResource: answer(async request => this.unsupported(`asking whether ${request.getType()} ${request.getId()} exists`)),
            registerStackInvokeTransform: answer(async () => this.unsupported("a transform of function calls")),
            registerErrorHook: answer(async request => this.unsupported(`the error hook ${request.getName()}`)),
            registerPackage: answer(async request => this.unsupported(`the package ${request.getName()} with parameters`)),
        };
    }

    private async register(request: RegisterResourceRequest): Promise<RegisterResourceResponse> {
        const urn = urnOf(this.options.project, this.options.stack, request.getType(), request.getName(), request.getParent());
        const label = describe({ type: request.getType(), name: request.getName() });
        if (this.urns.has(urn)) {
            const message = "two resources have this URN; give them different names or parents";
            return this.answerFailed({ urn, resource: label, message }, request);
        }
        this.urns.add(urn);
        try {
            const resource = await this.declared(urn, request);
            this.options.onRegister?.(resource);
            const result = await this.track(this.make(resource));
            this.results.push(result);
            this.options.onResource?.(result);
            return response(urn, result.outputs, result.id);
        } catch (error) {
            return this.answerFailed({ urn, resource: label, message: messageOf(error) }, request);
        }
    }

    private async declared(urn: string, request: RegisterResourceRequest): Promise<RegisteredResource> {
        const { inputs, options } = await this.transforms.apply(urn, request, {
            inputs: propertiesFromWire(request.getObject()?.toJavaScript()),
            options: transformOptions(request),
        });
        return registeredResource(urn, request, inputs, options);
    }

    private async make(resource: RegisteredResource): Promise<ResourceResult> {
        const { handler, dryRun } = this.options;
        const plan = await handler.plan(resource);
        await this.hooks.before(plan.change, resource, plan.id);
        const made = dryRun ? plan : await handler.apply(resource, plan);
        const outputs = withSecrets(made.outputs, resource.options.additionalSecretOutputs ?? []);
        await this.hooks.after(plan.change, resource, made.id, outputs);
        return { resource, change: plan.change, outputs, ...(made.id === undefined ? {} : { id: made.id }) };
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
        throw new Gone("the deployment has failed");
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
        return this.fail({ urn: this.engine.rootUrn, resource: what, message: "this needs the Pulumi CLI" });
    }

    private log(log: ProgramLog): void {
        this.logs.push(log);
        if (log.severity === "error") {
            this.setFailed();
        }
        this.options.onLog?.(log);
    }
}

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
