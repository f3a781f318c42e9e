import { setTimeout as delay } from "node:timers/promises";
import type { ClusterApi, KubernetesObject, ServedKind } from "./clusterApi";
import { objectKey } from "./kubernetesObject";
import type { ObjectStore, StackBucket } from "./objectStore";
import { fieldManager, objectLabels, onRemovalKey, type StackIdentity } from "./stackIdentity";

/** Something of the stack that its program no longer declares. */
export interface Removal {
    /** `Kind namespace/name`, `Bucket name` or `BucketIAMMember bucket role member`. */
    readonly what: string;
    /** Lower ones go first, and are gone before the next. */
    readonly rank: number;
    readonly onRemoval?: "refuse" | "keep" | undefined;
    readonly remove: () => Promise<void>;
    readonly isGone: () => Promise<boolean>;
}

/** How long everything of one rank may take to go; a namespace waits for all that is in it. */
const goneWithinMilliseconds = 120_000;

const ranks: readonly (readonly string[])[] = [
    // What others run for: KServe's controller needs the runtime and the account while it takes a service down.
    ["InferenceGraph", "TrainedModel"],
    ["InferenceService"],
    ["*"],
    ["ServingRuntime", "ClusterServingRuntime"],
    ["RoleBinding", "ClusterRoleBinding", "ConfigMap", "Secret", "ServiceAccount", "PersistentVolumeClaim"],
    ["Role", "ClusterRole", "PersistentVolume"],
    ["CustomResourceDefinition"],
    ["Namespace"],
];
const bucketRank = ranks.length;

/** Dependents first. */
export function rankOf(kind: string): number {
    const rank = ranks.findIndex(kinds => kinds.includes(kind));
    return rank === -1 ? ranks.findIndex(kinds => kinds.includes("*")) : rank;
}

/** What the stack has in the cluster beside what is declared. */
export async function removableObjects(
    api: ClusterApi,
    identity: StackIdentity,
    isDeclared: (key: string, kind: string) => boolean,
): Promise<Removal[]> {
    const kinds = await api.allKinds();
    const removals = await Promise.all(
        kinds.map(async kind => {
            const objects = await api.list(kind, objectLabels(identity));
            return objects.filter(object => isApplied(object, identity)).flatMap(object => removalOf(api, kind, object, isDeclared));
        }),
    );
    // One object can be served under several groups' names (Event) and then is listed twice.
    return [...new Map(removals.flat().map(removal => [removal.what, removal])).values()];
}

/** What the stack has in the object store beside what is declared. */
export async function removableBuckets(
    store: ObjectStore,
    isDeclared: (bucket: string) => boolean,
    isDeclaredMember: (bucket: string, role: string, member: string) => boolean,
): Promise<Removal[]> {
    const removals: Removal[] = [];
    for (const bucket of await store.buckets()) {
        if (!isDeclared(bucket.name)) {
            removals.push(bucketRemoval(store, bucket));
            continue;
        }
        for (const [role, members] of await store.bindings(bucket.name)) {
            for (const member of members) {
                // Google itself puts the project's owners, editors and viewers there.
                if (!member.startsWith("project") && !isDeclaredMember(bucket.name, role, member)) {
                    removals.push({
                        what: `BucketIAMMember ${bucket.name} ${role} ${member}`,
                        rank: bucketRank,
                        remove: () => store.changeMember(bucket.name, role, member, false),
                        isGone: async () => true,
                    });
                }
            }
        }
    }
    return removals;
}

/** Protected things stop a deployment before it changes anything. */
export function removalProblems(removals: readonly Removal[]): string[] {
    return removals
        .filter(removal => removal.onRemoval === "refuse")
        .map(({ what }) => `${what} is protected and no longer in the program; put it back, or deploy it once with protect: false before`);
}

/** Removes rank by rank, waiting until each is gone. */
export async function prune(removals: readonly Removal[], onRemoved: (removal: Removal) => void, signal?: AbortSignal): Promise<void> {
    const wanted = removals.filter(removal => removal.onRemoval === undefined);
    for (const rank of new Set(wanted.map(removal => removal.rank).sort((a, b) => a - b))) {
        const group = wanted.filter(removal => removal.rank === rank);
        // Members of one bucket share a policy, whose writes must follow each other.
        for (const removal of group) {
            signal?.throwIfAborted();
            await removal.remove();
        }
        const deadline = Date.now() + goneWithinMilliseconds;
        await Promise.all(
            group.map(async removal => {
                while (!(await removal.isGone())) {
                    if (Date.now() > deadline) {
                        throw new Error(`${removal.what} was deleted and is still there after ${goneWithinMilliseconds / 1000} seconds`);
                    }
                    await delay(100, undefined, { signal });
                }
                onRemoved(removal);
            }),
        );
    }
}

/**
 * KServe and Knative copy an InferenceService's labels to everything they make for it, the stack's among them; those go with their owner. What
 * the stack itself applied bears its field manager.
 */
function isApplied(object: KubernetesObject, identity: StackIdentity): boolean {
    const manager = fieldManager(identity);
    return object.metadata.managedFields?.some(entry => entry.manager === manager && entry.operation === "Apply") === true;
}

function removalOf(
    api: ClusterApi,
    kind: ServedKind,
    object: KubernetesObject,
    isDeclared: (key: string, kind: string) => boolean,
): Removal[] {
    const { name, namespace, annotations, uid } = object.metadata;
    if (isDeclared(objectKey(kind, namespace, name), kind.kind)) {
        return [];
    }
    const mark = annotations?.[onRemovalKey];
    return [
        {
            what: `${kind.kind} ${namespace === undefined ? name : `${namespace}/${name}`}`,
            rank: rankOf(kind.kind),
            onRemoval: mark === "refuse" || mark === "keep" ? mark : undefined,
            remove: () => api.delete(kind, namespace, name),
            isGone: async () => (await api.get(kind, namespace, name))?.metadata.uid !== uid,
        },
    ];
}

function bucketRemoval(store: ObjectStore, bucket: StackBucket): Removal {
    return {
        what: `Bucket ${bucket.name}`,
        rank: bucketRank,
        onRemoval: bucket.onRemoval,
        remove: () => store.delete(bucket),
        isGone: async () => (await store.get(bucket.name)) === undefined,
    };
}
