import { bucketFields, hasFields } from "./bucketSettings";
import { forceDestroyLabel, type ObjectStore } from "./objectStore";
import { hasUnknown, isObject, type Properties, type Property, Unknown } from "./property";
import type { RegisteredResource } from "./registeredResource";
import type { MadeResource, ResourcePlan } from "./resourceHandler";
import { bucketLabelKey, bucketLabels, onRemovalKey, type StackIdentity } from "./stackIdentity";

/**
 * Buckets and their members, made in the sandbox's object store. Service accounts have no server here: their outputs follow from their names,
 * as Google's do, and nothing is made.
 */
export class GoogleCloudResources {
    /** Names of the program's buckets. */
    readonly declaredBuckets = new Set<string>();
    /** `bucket role member` of each of the program's. */
    readonly declaredMembers = new Set<string>();
    /** A name that the plan did not know yet: it may be that of any bucket that seems to be gone. */
    bucketNamesUnknown = false;

    /** One policy is read, changed and written for each member of a bucket, one after the other. */
    private memberChange: Promise<unknown> = Promise.resolve();

    constructor(
        private readonly store: ObjectStore,
        private readonly identity: StackIdentity,
        /** The `project` of an explicit provider or of the stack's configuration. */
        private readonly projectOf: (provider: string | undefined) => string,
    ) {}

    async plan(resource: RegisteredResource): Promise<ResourcePlan> {
        switch (resource.type) {
            case "gcp:storage/bucket:Bucket":
                return this.planBucket(resource);
            case "gcp:storage/bucketIAMMember:BucketIAMMember":
                return this.planMember(resource);
            case "gcp:serviceaccount/account:Account":
                return hasUnknown(resource.inputs)
                    ? { change: "unchanged", outputs: resource.inputs }
                    : { change: "unchanged", ...account(resource.inputs, this.projectOf(resource.provider)) };
            case "gcp:serviceaccount/iAMMember:IAMMember":
                return { change: "unchanged", outputs: resource.inputs };
            default:
                throw new Error(`the sandbox cannot make ${resource.type}; leave it out of the sandbox's stack, or use the Pulumi CLI`);
        }
    }

    async apply(resource: RegisteredResource, plan: ResourcePlan): Promise<MadeResource> {
        switch (resource.type) {
            case "gcp:storage/bucket:Bucket":
                return this.applyBucket(resource, plan);
            case "gcp:storage/bucketIAMMember:BucketIAMMember":
                return this.applyMember(resource, plan);
            case "gcp:serviceaccount/account:Account":
                return account(resource.inputs, this.projectOf(resource.provider));
            default: {
                const { serviceAccountId, role, member } = resource.inputs;
                return { id: `${serviceAccountId}/${role}/${member}`, outputs: { ...resource.inputs, etag: "" } };
            }
        }
    }

    private async planBucket(resource: RegisteredResource): Promise<ResourcePlan> {
        const { name } = resource.inputs;
        const fields = bucketFields(resource.inputs);
        if (name instanceof Unknown) {
            this.bucketNamesUnknown = true;
            return { change: "created", outputs: resource.inputs };
        }
        if (typeof name !== "string") {
            throw new Error("a bucket needs a name in the sandbox, which remembers none that was invented; give it one");
        }
        this.declaredBuckets.add(name);
        const live = await this.store.get(name);
        if (live === undefined) {
            return { change: "created", outputs: resource.inputs };
        }
        const owner = this.foreignOwner(live);
        if (owner !== undefined) {
            throw new Error(`the bucket ${name} exists and belongs to ${owner}; give it another name`);
        }
        const unchanged = !hasUnknown(fields) && hasFields(live, { ...fields, labels: this.labels(resource) });
        return { change: unchanged ? "unchanged" : "updated", id: name, outputs: this.bucketOutputs(resource, name) };
    }

    private async applyBucket(resource: RegisteredResource, plan: ResourcePlan): Promise<MadeResource> {
        const name = String(resource.inputs.name);
        const { location, ...changeable } = bucketFields(resource.inputs);
        const labels = this.labels(resource);
        if (plan.change === "created") {
            await this.store.create(name, { ...changeable, labels, ...(location === undefined ? {} : { location }) });
        } else if (plan.change === "updated") {
            const live = await this.store.get(name);
            if (location !== undefined && !hasFields(live?.location, location)) {
                throw new Error(`the bucket ${name} is in ${live?.location} and cannot be moved to ${location}; give it another name`);
            }
            const dropped = Object.keys(isObject(live?.labels) ? live.labels : {}).filter(key => labels[key] === undefined);
            await this.store.patch(name, { ...changeable, labels: { ...Object.fromEntries(dropped.map(key => [key, null])), ...labels } });
        }
        return { id: name, outputs: this.bucketOutputs(resource, name) };
    }

    private bucketOutputs(resource: RegisteredResource, name: string): Properties {
        return {
            project: this.projectOf(resource.provider),
            ...resource.inputs,
            name,
            url: `gs://${name}`,
            selfLink: `https://www.googleapis.com/storage/v1/b/${name}`,
        };
    }

    private labels({ inputs, options }: RegisteredResource): Record<string, Property> {
        const removal = options.protect === true ? "refuse" : options.retainOnDelete === true ? "keep" : undefined;
        return {
            ...(isObject(inputs.labels) ? inputs.labels : {}),
            ...bucketLabels(this.identity),
            ...(inputs.forceDestroy === true ? { [forceDestroyLabel]: "true" } : {}),
            ...(removal === undefined ? {} : { [bucketLabelKey(onRemovalKey)]: removal }),
        };
    }

    private foreignOwner(live: Properties): string | undefined {
        const labels = isObject(live.labels) ? live.labels : {};
        const [stackKey = "", projectKey = ""] = Object.keys(bucketLabels(this.identity));
        if (labels[stackKey] === undefined) {
            return "no stack";
        }
        const own = labels[stackKey] === this.identity.stack && labels[projectKey] === this.identity.project;
        return own ? undefined : `the stack ${labels[stackKey]} of the project ${labels[projectKey]}`;
    }

    private async planMember(resource: RegisteredResource): Promise<ResourcePlan> {
        const { bucket, role, member, condition } = resource.inputs;
        if (condition !== undefined) {
            throw new Error("the sandbox cannot set a condition on a bucket's member; leave it out of the sandbox's stack");
        }
        if (typeof bucket !== "string" || typeof role !== "string" || typeof member !== "string") {
            return { change: "created", outputs: resource.inputs };
        }
        this.declaredMembers.add(`${bucket} ${role} ${member}`);
        const present = (await this.store.bindings(bucket)).get(role)?.has(member) === true;
        return { change: present ? "unchanged" : "created", outputs: resource.inputs };
    }

    private async applyMember({ inputs }: RegisteredResource, plan: ResourcePlan): Promise<MadeResource> {
        const [bucket, role, member] = [String(inputs.bucket), String(inputs.role), String(inputs.member)];
        if (plan.change === "created") {
            const change = this.memberChange.then(() => this.store.changeMember(bucket, role, member, true));
            this.memberChange = change.catch(() => undefined);
            await change;
        }
        return { id: `b/${bucket}/${role}/${member}`, outputs: { ...inputs, etag: "" } };
    }
}

/** Source: https://cloud.google.com/iam/docs/service-account-overview#identity */
export function account(inputs: Properties, defaultProject: string): MadeResource {
    const project = typeof inputs.project === "string" ? inputs.project : defaultProject;
    if (typeof inputs.accountId !== "string") {
        throw new Error("a service account's accountId must be known and a text");
    }
    const email = `${inputs.accountId}@${project}.iam.gserviceaccount.com`;
    const id = `projects/${project}/serviceAccounts/${email}`;
    return { id, outputs: { ...inputs, project, email, name: id, member: `serviceAccount:${email}` } };
}
