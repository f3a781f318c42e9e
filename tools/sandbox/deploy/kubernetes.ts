import { type ClusterApi, ClusterError, type KubernetesObject, type ServedKind } from "./clusterApi";
import { type DeclaredObject, declaredObject, foreignOwner, objectId, objectKey, objectOutputs, sameObject } from "./kubernetesObject";
import type { Properties } from "./property";
import type { RegisteredResource } from "./registeredResource";
import type { MadeResource, ReadResource, ResourcePlan } from "./resourceHandler";
import { fieldManager, type StackIdentity } from "./stackIdentity";

/** Applies objects server-side, on the one cluster of the sandbox, with a field manager of this stack. */
export class KubernetesObjects {
    /** Keys of all objects the program declares; what the stack has beside them is pruned. */
    readonly declared = new Set<string>();
    /** Kinds of which some object's name was not known in the plan, so that none of them may be called gone. */
    readonly namesUnknown = new Set<string>();

    constructor(
        private readonly api: ClusterApi,
        private readonly identity: StackIdentity,
        /** The `namespace` of an explicit provider. */
        private readonly namespaceOf: (provider: string | undefined) => string | undefined,
    ) {}

    async plan(resource: RegisteredResource): Promise<ResourcePlan> {
        const declared = this.declare(resource);
        const kind = await this.api.kind(declared.apiVersion, declared.kind);
        if (declared.name === undefined) {
            this.namesUnknown.add(declared.kind);
            return { change: "created", outputs: resource.inputs };
        }
        if (kind === undefined) {
            this.declared.add(objectKey(declared, declared.namespace, declared.name));
            return { change: "created", outputs: resource.inputs };
        }
        const object = placed(kind, declared);
        const namespace = kind.namespaced ? declared.namespace : undefined;
        this.declared.add(objectKey(declared, namespace, declared.name));
        const live = await this.api.get(kind, namespace, declared.name);
        const owner = live && foreignOwner(live, this.identity);
        if (owner !== undefined) {
            throw new Error(
                `${declared.kind} ${declared.name} exists and belongs to ${owner}; give it another name or look it up with get`,
            );
        }
        if (object === undefined) {
            return { change: live === undefined ? "created" : "updated", outputs: resource.inputs };
        }
        const applied = await this.dryRun(kind, object);
        if (live === undefined) {
            return { change: "created", outputs: resource.inputs };
        }
        const id = objectId(live);
        return applied !== undefined && sameObject(live, applied)
            ? { change: "unchanged", id, outputs: objectOutputs(resource.inputs, live) }
            : { change: "updated", id, outputs: resource.inputs };
    }

    async apply(resource: RegisteredResource, plan: ResourcePlan): Promise<MadeResource> {
        if (plan.change === "unchanged" && plan.id !== undefined) {
            return { id: plan.id, outputs: plan.outputs };
        }
        const declared = this.declare(resource);
        const kind = await this.served(declared.apiVersion, declared.kind);
        const object = placed(kind, declared);
        if (object === undefined) {
            throw new Error("some of its inputs are still unknown while it is made");
        }
        const applied = await this.explained(() =>
            this.api.apply(kind, object, { fieldManager: fieldManager(this.identity), dryRun: false }),
        );
        return { id: objectId(applied), outputs: objectOutputs(resource.inputs, applied) };
    }

    /** `X.get(name, "namespace/name")`: the object may be anybody's. */
    async read(read: ReadResource): Promise<Properties> {
        const [namespace, name] = read.id.includes("/") ? read.id.split("/") : [this.namespaceOf(read.provider) ?? "default", read.id];
        const { apiVersion, kind: kindName } = kindOfType(read.type);
        const kind = await this.served(apiVersion, kindName);
        const live = await this.api.get(kind, namespace, name ?? "");
        if (live === undefined) {
            throw new Error(`${kindName} ${read.id} does not exist`);
        }
        return objectOutputs(read.inputs, live);
    }

    private declare(resource: RegisteredResource): DeclaredObject {
        return declaredObject(resource, this.identity, this.namespaceOf(resource.provider) ?? "default");
    }

    private async served(apiVersion: string, kind: string): Promise<ServedKind> {
        const served = await this.api.kind(apiVersion, kind);
        if (served === undefined) {
            throw new Error(`the cluster does not serve ${kind} of ${apiVersion}; is its CustomResourceDefinition installed?`);
        }
        return served;
    }

    /** What would be there after applying; undefined when only the missing namespace, which may come with this run, stands against it. */
    private async dryRun(kind: ServedKind, object: KubernetesObject): Promise<KubernetesObject | undefined> {
        try {
            return await this.explained(() => this.api.apply(kind, object, { fieldManager: fieldManager(this.identity), dryRun: true }));
        } catch (error) {
            if (error instanceof ClusterError && error.statusCode === 404 && error.details.kind === "namespaces") {
                return undefined;
            }
            throw error;
        }
    }

    private async explained<T>(request: () => Promise<T>): Promise<T> {
        try {
            return await request();
        } catch (error) {
            if (error instanceof ClusterError && error.statusCode === 409 && error.reason === "Conflict") {
                throw new Error(`${error.message.trim()}; another owner sets these fields: leave them out, or make it let go of them`);
            }
            throw error;
        }
    }
}

/** The object in its namespace; a cluster-wide one has none. */
function placed(kind: ServedKind, declared: DeclaredObject): KubernetesObject | undefined {
    if (declared.object === undefined) {
        return undefined;
    }
    const { namespace: _, ...metadata } = declared.object.metadata;
    return { ...declared.object, metadata: kind.namespaced ? { ...metadata, namespace: declared.namespace } : metadata };
}

/** `kubernetes:apps/v1:Deployment`; the core group is written `core/v1`. Source: pulumi-kubernetes `provider/pkg/gen`. */
function kindOfType(type: string): { apiVersion: string; kind: string } {
    const [, version = "", kind = ""] = type.split(":");
    return { apiVersion: version.replace(/^core\//, ""), kind };
}
