import { credentials } from "@grpc/grpc-js";
import { CallbacksClient } from "@pulumi/pulumi/proto/callback_grpc_pb";
import { type Callback, CallbackInvokeRequest } from "@pulumi/pulumi/proto/callback_pb";
import {
    type RegisterResourceRequest,
    ResourceHookRequest,
    ResourceHookResponse,
    TransformRequest,
    type TransformResourceOptions,
    TransformResponse,
} from "@pulumi/pulumi/proto/resource_pb";
import { Struct } from "google-protobuf/google/protobuf/struct_pb";
import { type Properties, propertiesFromWire, propertiesToWire } from "./property";
import type { RegisteredResource } from "./registeredResource";

/** What a program declared about a resource before (or after) a transform saw it. */
export interface Declared {
    readonly inputs: Properties;
    readonly options: TransformResourceOptions;
}

/** Calls back into the program, which serves its transforms and hooks on a port of its own. */
export class ProgramCallbacks {
    private readonly clients = new Map<string, CallbacksClient>();

    async transform(callback: Callback, request: RegisterResourceRequest, declared: Declared): Promise<Declared> {
        const message = new TransformRequest();
        message.setType(request.getType());
        message.setName(request.getName());
        message.setCustom(request.getCustom());
        message.setParent(request.getParent());
        message.setProperties(Struct.fromJavaScript(propertiesToWire(declared.inputs)));
        message.setOptions(declared.options);
        const response = TransformResponse.deserializeBinary(await this.invoke(callback, message.serializeBinary()));
        return {
            inputs: propertiesFromWire(response.getProperties()?.toJavaScript()),
            // A transform that returns no options leaves them as they were.
            options: response.getOptions() ?? declared.options,
        };
    }

    /** Runs one hook and gives its error, if it had one. */
    async hook(callback: Callback, resource: RegisteredResource, id: string, outputs?: Properties): Promise<string | undefined> {
        const message = new ResourceHookRequest();
        message.setUrn(resource.urn);
        message.setId(id);
        message.setName(resource.name);
        message.setType(resource.type);
        message.setNewInputs(Struct.fromJavaScript(propertiesToWire(resource.inputs)));
        if (outputs !== undefined) {
            message.setNewOutputs(Struct.fromJavaScript(propertiesToWire(outputs)));
        }
        const response = ResourceHookResponse.deserializeBinary(await this.invoke(callback, message.serializeBinary()));
        return response.getError() || undefined;
    }

    close(): void {
        for (const client of this.clients.values()) {
            client.close();
        }
        this.clients.clear();
    }

    private async invoke(callback: Callback, request: Uint8Array): Promise<Uint8Array> {
        const target = callback.getTarget();
        const client = this.clients.get(target) ?? new CallbacksClient(target, credentials.createInsecure());
        this.clients.set(target, client);
        const message = new CallbackInvokeRequest();
        message.setToken(callback.getToken());
        message.setRequest(request);
        return new Promise((resolve, reject) => {
            client.invoke(message, (error, response) => {
                if (error === null && response !== undefined) {
                    resolve(response.getResponse_asU8());
                } else {
                    reject(new Error(error?.details ?? "the program gave no answer"));
                }
            });
        });
    }
}
