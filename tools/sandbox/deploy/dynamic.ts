import { credentials, type ServiceError } from "@grpc/grpc-js";
import { ResourceProviderClient } from "@pulumi/pulumi/proto/provider_grpc_pb";
import { CheckRequest, ConfigureRequest, CreateRequest } from "@pulumi/pulumi/proto/provider_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { GuardedProcess, pulumiScript } from "./childProcess";
import { programMessage } from "./programMessage";
import { isObject, type Properties, propertiesFromWire, propertiesToWire, reveal, secretAsIn } from "./property";
import type { RegisteredResource } from "./registeredResource";
import type { MadeResource, ResourcePlan } from "./resourceHandler";

export interface DynamicOptions {
    readonly programDir: string;
    readonly project: string;
    readonly stack: string;
    readonly config: Readonly<Record<string, string>>;
    readonly environment: Readonly<Record<string, string>>;
    /** What providers print: their progress. */
    readonly onOutput: (line: string) => void;
    readonly onRefused: (host: string) => void;
}

/** The process runs code of the program; it must come up as fast as any program does. */
const startMilliseconds = 30_000;

/**
 * Resources whose provider is the program's own code, through Pulumi's own server for them (`@pulumi/pulumi/cmd/dynamic-provider`). Nothing is
 * remembered between deployments, so each one calls `create` again: a provider used here must give the same result for the same inputs.
 * Its `diff`, `update` and `delete` are never called.
 */
export class DynamicResources {
    private started: Promise<{ client: ResourceProviderClient; process: GuardedProcess }> | undefined;

    constructor(private readonly options: DynamicOptions) {}

    async plan(resource: RegisteredResource): Promise<ResourcePlan> {
        return { change: "asked", outputs: await this.check(resource) };
    }

    async apply(resource: RegisteredResource, plan: ResourcePlan): Promise<MadeResource> {
        const { client } = await this.start();
        const request = new CreateRequest();
        request.setUrn(resource.urn);
        request.setProperties(wire(plan.outputs));
        const response = await call<{ getId(): string; getProperties(): Struct | undefined }>(done => client.create(request, done));
        return { id: response.getId(), outputs: properties(resource, response.getProperties()) };
    }

    /** A `create` under way ends with it. */
    async stop(): Promise<void> {
        const started = await this.started?.catch(() => undefined);
        this.started = undefined;
        started?.client.close();
        await started?.process.stop();
    }

    private async check(resource: RegisteredResource): Promise<Properties> {
        const { client } = await this.start();
        const request = new CheckRequest();
        request.setUrn(resource.urn);
        request.setOlds(new Struct());
        request.setNews(wire(resource.inputs));
        const response = await call<{
            getInputs(): Struct | undefined;
            getFailuresList(): { getProperty(): string; getReason(): string }[];
        }>(done => client.check(request, done));
        const failures = response.getFailuresList();
        if (failures.length > 0) {
            throw new Error(failures.map(failure => [failure.getProperty(), failure.getReason()].filter(Boolean).join(": ")).join("; "));
        }
        return properties(resource, response.getInputs());
    }

    private start() {
        this.started ??= this.startProcess();
        return this.started;
    }

    private async startProcess() {
        const { programDir, project, stack, environment, onOutput, onRefused } = this.options;
        const stderr: string[] = [];
        let port: string | undefined;
        let announce: (port: string) => void = () => undefined;
        const announced = new Promise<string>(resolve => {
            announce = resolve;
        });
        // The address of an engine is asked for, and not used.
        const process = new GuardedProcess(pulumiScript(programDir, "cmd/dynamic-provider"), ["127.0.0.1:0"], {
            cwd: programDir,
            environment: { ...environment, PULUMI_NODEJS_PROJECT: project, PULUMI_NODEJS_STACK: stack },
            onLine: (line, stream) => {
                if (stream === "stderr") {
                    // Pulumi's server prints the stack trace of each failed check here.
                    stderr.push(line);
                } else if (port === undefined) {
                    port = line;
                    announce(line);
                } else {
                    onOutput(line);
                }
            },
            onRefused,
        });
        const died = process.exited.then(() => {
            throw new Error(`the server for dynamic resources ended: ${programMessage(stderr.slice(-20).join("\n"))}`);
        });
        const client = new ResourceProviderClient(`127.0.0.1:${await Promise.race([announced, died])}`, credentials.createInsecure(), {
            "grpc.max_receive_message_length": -1,
            "grpc.max_send_message_length": -1,
        });
        died.catch(() => client.close());
        await new Promise<void>((resolve, reject) =>
            client.waitForReady(Date.now() + startMilliseconds, error => (error ? reject(error) : resolve())),
        );
        const configure = new ConfigureRequest();
        configure.setArgs(Struct.fromJavaScript(this.options.config));
        await call(done => client.configure(configure, done));
        return { client, process };
    }
}

/** Pulumi's server for dynamic providers takes no secrets, as it says when configured. */
function wire(inputs: Properties): Struct {
    const revealed = reveal(inputs);
    return Struct.fromJavaScript(isObject(revealed) ? propertiesToWire(revealed) : {});
}

function properties(resource: RegisteredResource, struct: Struct | undefined): Properties {
    const { __provider: _, ...outputs } = propertiesFromWire(struct?.toJavaScript());
    const marked = secretAsIn(resource.inputs, outputs);
    return isObject(marked) ? { ...marked, ...(resource.inputs.__provider ? { __provider: resource.inputs.__provider } : {}) } : {};
}

function call<Response>(send: (done: (error: ServiceError | null, response: Response) => void) => unknown): Promise<Response> {
    return new Promise((resolve, reject) => {
        send((error, response) => (error === null ? resolve(response) : reject(new Error(programMessage(error.details)))));
    });
}
