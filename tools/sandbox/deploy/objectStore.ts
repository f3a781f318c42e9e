import { type Bucket, Storage } from "@google-cloud/storage";
import { fromJson, isObject, type Properties } from "./property";
import { bucketLabelKey, bucketLabels, type OnRemoval, onRemovalKey, type StackIdentity } from "./stackIdentity";

/** There is one object store in the sandbox, and its buckets are one project's whatever project the program names. */
const sandboxProject = "sandbox";

export const forceDestroyLabel = "kserve-torchserve-force-destroy";

/** A bucket that carries the stack's labels. */
export interface StackBucket {
    readonly name: string;
    readonly forceDestroy: boolean;
    readonly onRemoval?: OnRemoval;
}

/** Members of roles on a bucket: `role` → members. */
export type Bindings = ReadonlyMap<string, ReadonlySet<string>>;

/** The sandbox's object store, through the official client; never Google's. */
export class ObjectStore {
    private readonly storage: Storage;

    constructor(
        endpoint: string,
        private readonly identity: StackIdentity,
    ) {
        const { hostname } = new URL(endpoint);
        if (!["127.0.0.1", "localhost", "[::1]"].includes(hostname)) {
            throw new Error(`the sandbox's object store must be on this machine, not on ${hostname}`);
        }
        this.storage = new Storage({
            apiEndpoint: endpoint,
            projectId: sandboxProject,
            // An object store that is down is told within seconds; the client's default is ten minutes.
            retryOptions: { autoRetry: true, maxRetries: 3, totalTimeout: 15 },
        });
    }

    /** The bucket's resource in the JSON API; undefined when there is none. */
    async get(name: string): Promise<Properties | undefined> {
        const found = await ifFound(() => this.storage.bucket(name).getMetadata());
        const fields = found === undefined ? undefined : fromJson(found[0]);
        return isObject(fields) ? fields : undefined;
    }

    async create(name: string, fields: Properties): Promise<void> {
        await this.storage.createBucket(name, { ...fields });
    }

    async patch(name: string, fields: Properties): Promise<void> {
        await this.storage.bucket(name).setMetadata({ ...fields });
    }

    /** All buckets of this stack. */
    async buckets(): Promise<StackBucket[]> {
        const [buckets] = await this.storage.getBuckets();
        return buckets.flatMap(bucket => {
            const { labels } = bucket.metadata;
            const own = Object.entries(bucketLabels(this.identity)).every(([key, value]) => labels?.[key] === value);
            const removal = labels?.[bucketLabelKey(onRemovalKey)];
            return own
                ? [
                      {
                          name: bucket.name ?? "",
                          forceDestroy: labels?.[forceDestroyLabel] === "true",
                          ...(removal === "refuse" || removal === "keep" ? { onRemoval: removal } : {}),
                      },
                  ]
                : [];
        });
    }

    async delete({ name, forceDestroy }: StackBucket): Promise<void> {
        const bucket = this.storage.bucket(name);
        if (forceDestroy) {
            await bucket.deleteFiles({ force: true, versions: true });
        } else if ((await isEmpty(bucket)) === false) {
            throw new Error(`the bucket ${name} still holds objects; set forceDestroy and deploy before removing it, or empty it`);
        }
        await ifFound(() => bucket.delete());
    }

    async bindings(name: string): Promise<Bindings> {
        const policy = await ifFound(() => this.storage.bucket(name).iam.getPolicy());
        const bindings = new Map<string, Set<string>>();
        for (const { role, members } of policy?.[0].bindings ?? []) {
            bindings.set(role, new Set([...(bindings.get(role) ?? []), ...members]));
        }
        return bindings;
    }

    /** Reads, changes and writes the policy; its etag makes a write in between an error instead of a loss. */
    async changeMember(name: string, role: string, member: string, present: boolean): Promise<void> {
        const { iam } = this.storage.bucket(name);
        const [policy] = await iam.getPolicy();
        const others = policy.bindings
            .map(binding =>
                binding.role === role ? { ...binding, members: binding.members.filter(existing => existing !== member) } : binding,
            )
            .filter(binding => binding.members.length > 0);
        await iam.setPolicy({ ...policy, bindings: present ? [...others, { role, members: [member] }] : others });
    }
}

async function isEmpty(bucket: Bucket): Promise<boolean> {
    const [files] = await bucket.getFiles({ maxResults: 1, versions: true, autoPaginate: false });
    return files.length === 0;
}

async function ifFound<T>(request: () => Promise<T>): Promise<T | undefined> {
    try {
        return await request();
    } catch (error) {
        if (error instanceof Error && "code" in error && error.code === 404) {
            return undefined;
        }
        throw error;
    }
}
