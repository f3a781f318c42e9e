import { createHash } from "node:crypto";
import { isDeepStrictEqual } from "node:util";
import type { KubernetesObject } from "./clusterApi";
import { fromJson, hasUnknown, isObject, type Properties, type Property, reveal, Secret, secretAsIn } from "./property";
import type { RegisteredResource } from "./registeredResource";
import { objectLabels, onRemovalKey, projectLabel, type StackIdentity, stackLabel } from "./stackIdentity";

/** An object a program declares. Its name can be unknown only in a preview. */
export interface DeclaredObject {
    readonly apiVersion: string;
    readonly kind: string;
    /** Absent when it is not known yet. */
    readonly name?: string;
    readonly namespace: string;
    /** What is applied; absent when any of it is not known yet. */
    readonly object?: KubernetesObject;
}

/** What @pulumi/kubernetes does itself instead of handing the API server an object. */
const clientSide = /^kubernetes:(helm\.sh|yaml|kustomize)/;

/** Reads what is declared; throws with what to do when it is not one object of the API. */
export function declaredObject(resource: RegisteredResource, identity: StackIdentity, defaultNamespace: string): DeclaredObject {
    const { apiVersion, kind } = resource.inputs;
    if (clientSide.test(resource.type)) {
        throw new Error(`the sandbox cannot make ${resource.type}; it needs the Pulumi CLI`);
    }
    if (resource.type.endsWith("Patch")) {
        throw new Error(`the sandbox cannot make ${resource.type}: it makes whole objects and no patches of others'; use the Pulumi CLI`);
    }
    if (typeof apiVersion !== "string" || typeof kind !== "string") {
        throw new Error("apiVersion and kind must be known texts");
    }
    const metadata = reveal(resource.inputs.metadata ?? {});
    const declared = isObject(metadata) ? metadata : {};
    if (declared.generateName !== undefined) {
        throw new Error("metadata.generateName would make a new object at every run; give metadata.name");
    }
    const namespace = typeof declared.namespace === "string" ? declared.namespace : defaultNamespace;
    const name = objectName(resource, declared.name);
    if (name === undefined || hasUnknown(resource.inputs)) {
        return { apiVersion, kind, namespace, ...(name === undefined ? {} : { name }) };
    }
    const annotations = { ...texts(declared.annotations), ...removalAnnotation(resource) };
    if (annotations["pulumi.com/waitFor"] !== undefined) {
        throw new Error("the annotation pulumi.com/waitFor cannot be honoured in the sandbox; wait with a dynamic resource instead");
    }
    return {
        apiVersion,
        kind,
        namespace,
        name,
        object: {
            ...plainFields(resource.inputs),
            apiVersion,
            kind,
            metadata: {
                ...declared,
                name,
                labels: { ...texts(declared.labels), ...objectLabels(identity) },
                ...(Object.keys(annotations).length === 0 ? {} : { annotations }),
            },
        },
    };
}

/** Which object it is, whatever the version it is spoken of in. */
export function objectKey(
    object: { readonly apiVersion: string; readonly kind: string },
    namespace: string | undefined,
    name: string,
): string {
    const group = object.apiVersion.includes("/") ? object.apiVersion.slice(0, object.apiVersion.indexOf("/")) : "";
    return [group, object.kind, namespace ?? "", name].join("/");
}

/** Whose object it is, when that is not this stack. */
export function foreignOwner(live: KubernetesObject, identity: StackIdentity): string | undefined {
    const { [projectLabel]: project, [stackLabel]: stack } = live.metadata.labels ?? {};
    if (stack === undefined) {
        return "no stack";
    }
    return project === identity.project && stack === identity.stack ? undefined : `the stack ${stack} of the project ${project}`;
}

/**
 * Whether applying changed nothing, apart from what every write touches and from the status, which is the controllers' and moves by itself.
 */
export function sameObject(live: KubernetesObject, applied: KubernetesObject): boolean {
    return isDeepStrictEqual(comparable(live), comparable(applied));
}

/** What the program sees of an object: as the server has it, with the program's secrets and all of a Secret's data marked. */
export function objectOutputs(inputs: Properties, live: KubernetesObject): Properties {
    const { managedFields: _, ...metadata } = live.metadata;
    const outputs = secretAsIn(inputs, fromJson({ ...live, metadata }));
    if (!isObject(outputs)) {
        return {};
    }
    const data = live.kind === "Secret" && outputs.data !== undefined && !(outputs.data instanceof Secret);
    return data ? { ...outputs, data: new Secret(outputs.data ?? null) } : outputs;
}

/** Pulumi's id of an object. */
export function objectId(live: Pick<KubernetesObject, "metadata">): string {
    const { namespace, name } = live.metadata;
    return namespace === undefined ? name : `${namespace}/${name}`;
}

/** The provider invents a random suffix and remembers it; a derived one needs no memory. */
function objectName(resource: RegisteredResource, declared: Property | undefined): string | undefined {
    if (declared === undefined) {
        return `${resource.name}-${createHash("sha256").update(resource.urn).digest("hex").slice(0, 8)}`;
    }
    return typeof declared === "string" ? declared : undefined;
}

function removalAnnotation({ options }: RegisteredResource): Record<string, string> {
    if (options.protect === true) {
        return { [onRemovalKey]: "refuse" };
    }
    return options.retainOnDelete === true ? { [onRemovalKey]: "keep" } : {};
}

function comparable(object: KubernetesObject): unknown {
    const { status: _, ...fields } = object;
    const { managedFields: __, resourceVersion: ___, generation: ____, ...metadata } = object.metadata;
    return { ...fields, metadata };
}

function plainFields(inputs: Properties): Properties {
    const revealed = reveal(inputs);
    return isObject(revealed) ? revealed : {};
}

function texts(value: Property | undefined): Record<string, string> {
    return isObject(value) ? Object.fromEntries(Object.entries(value).map(([key, text]) => [key, String(text)])) : {};
}
