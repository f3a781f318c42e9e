import { createHash } from "node:crypto";
import { account } from "../../tools/sandbox/deploy/googleCloud";
import { isObject, type Properties, type Property, reveal } from "../../tools/sandbox/deploy/property";
import { randomValue } from "../../tools/sandbox/deploy/random";
import type { RegisteredResource } from "../../tools/sandbox/deploy/registeredResource";
import type { MadeResource, ResourceHandler } from "../../tools/sandbox/deploy/resourceHandler";

/** Outputs of a resource that a test wants to be others than the recorded ones; laid over them. */
export type OutputsFor = (resource: RegisteredResource) => Properties | undefined;
export type Invoke = (token: string, args: Properties) => Properties;

/**
 * Stands for the providers: every resource is made at once and answers with its inputs, an id, and what a real provider would compute.
 * In a preview it knows the inputs and nothing else, as a provider does for what does not exist yet.
 */
export function recordingHandler(outputsFor: OutputsFor, invoke?: Invoke): ResourceHandler {
    return {
        plan: async resource => ({ change: "created", outputs: resource.inputs }),
        apply: async resource => {
            const made = resource.custom ? compute(resource) : { id: "", outputs: resource.inputs };
            return { id: made.id, outputs: { ...made.outputs, ...outputsFor(resource) } };
        },
        read: async resource => resource.inputs,
        invoke: async (token, args) => {
            if (invoke === undefined) {
                throw new Error(`the program calls ${token}; give recordProgram an \`invoke\` that answers it`);
            }
            return invoke(token, args);
        },
    };
}

function compute(resource: RegisteredResource): MadeResource {
    const { type, name, inputs } = resource;
    const hash = createHash("sha256").update(resource.urn).digest();
    if (type.startsWith("kubernetes:")) {
        return kubernetesObject(resource, hash);
    }
    if (type.startsWith("random:")) {
        return randomValue(type, resource.urn, inputs);
    }
    switch (type) {
        case "gcp:storage/bucket:Bucket": {
            const bucket = text(inputs.name) ?? `${name}-${hash.toString("hex").slice(0, 7)}`;
            return {
                id: bucket,
                outputs: {
                    project: "recorded-project",
                    ...inputs,
                    name: bucket,
                    url: `gs://${bucket}`,
                    selfLink: `https://www.googleapis.com/storage/v1/b/${bucket}`,
                },
            };
        }
        case "gcp:serviceaccount/account:Account":
            return account(inputs, "recorded-project");
        default:
            return { id: `${name}-${hash.toString("hex").slice(0, 7)}`, outputs: inputs };
    }
}

function kubernetesObject({ name, inputs }: RegisteredResource, hash: Buffer): MadeResource {
    const metadata = isObject(inputs.metadata) ? inputs.metadata : {};
    const objectName = text(metadata.name) ?? `${name}-${hash.toString("hex").slice(0, 8)}`;
    const namespace = text(metadata.namespace);
    return {
        id: namespace === undefined ? objectName : `${namespace}/${objectName}`,
        outputs: {
            ...inputs,
            metadata: { ...metadata, name: objectName, uid: hash.toString("hex").slice(0, 32), resourceVersion: "1" },
        },
    };
}

function text(value: Property | undefined): string | undefined {
    const revealed = value === undefined ? undefined : reveal(value);
    return typeof revealed === "string" ? revealed : undefined;
}
