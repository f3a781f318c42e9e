import { Bucket } from "@pulumi/gcp/storage/bucket";
import { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember";
import * as pulumi from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random/randomId";
import { refuse } from "../problems";
import { modelBucketProblems, softDeleteSeconds } from "./modelBucketSettings";

export interface ModelBucketArgs {
    /** Where the objects are kept: a region or multi-region, e.g. `us-central1` or `EU`. Changing it makes a new bucket. */
    location: pulumi.Input<string>;
    /**
     * Who may read the models, as an IAM principal: `ServingIdentity.principal` of the identity that the services run as.
     * @default nobody
     */
    reader?: pulumi.Input<string>;
    /**
     * Days a deleted or overwritten object can still be restored, 0 for not at all or 7 to 90 (Cloud Storage, "Soft delete"). Plain: it is
     * checked before anything is touched.
     * @default 7
     */
    softDeleteDays?: number;
    /**
     * Delete the models together with the bucket on destroy, instead of refusing to. Plain: it decides how destroy behaves.
     * @default false
     */
    forceDestroy?: boolean;
    /**
     * Protect the bucket, so that a destroy or a replacement of it is refused, and keep it even if it leaves the program. The grant to
     * `reader` is not kept: who no longer reads must not go on to. Plain: it decides how destroy behaves.
     * @default false
     */
    retain?: boolean;
}

/**
 * A private bucket for model stores: beside what roles on the project give, one serving identity may read it and nobody else anything.
 *
 * It has no lifecycle rules. A version of a store stays until somebody removes it: a rule by age would take the one that is served.
 */
export class ModelBucket extends pulumi.ComponentResource {
    /** The bucket's name, with a random suffix: names are global in Cloud Storage. */
    readonly bucketName: pulumi.Output<string>;
    /** `gs://` URL of the bucket, without a trailing slash. */
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ModelBucketArgs, opts?: pulumi.ComponentResourceOptions) {
        refuse(modelBucketProblems(args, name));
        super("kserve-torchserve:index:ModelBucket", name, args, opts);
        const kept = { parent: this, ...(args.retain ? { protect: true, retainOnDelete: true } : {}) };

        const suffix = new RandomId(`${name}-suffix`, { byteLength: 3 }, kept);
        const bucket = new Bucket(
            name,
            {
                name: pulumi.interpolate`${name}-${suffix.hex}`,
                location: args.location,
                uniformBucketLevelAccess: true,
                publicAccessPrevention: "enforced",
                softDeletePolicy: { retentionDurationSeconds: softDeleteSeconds(args.softDeleteDays) },
                forceDestroy: args.forceDestroy ?? false,
            },
            kept,
        );
        this.bucketName = bucket.name;
        if (args.reader !== undefined) {
            // KServe's storage initializer lists the prefix and gets its objects (`_download_gcs`, python/storage in KServe 0.20);
            // objectViewer is the smallest predefined role with both.
            const grant = new BucketIAMMember(
                `${name}-reader`,
                {
                    bucket: bucket.name,
                    role: "roles/storage.objectViewer",
                    member: args.reader,
                },
                { parent: this },
            );
            // Who uses the bucket may read it already. The URN is known in a preview, so the name stays known too.
            this.bucketName = pulumi.all([bucket.name, grant.urn]).apply(([bucketName]) => bucketName);
        }
        this.url = pulumi.interpolate`gs://${this.bucketName}`;
        this.registerOutputs({ bucketName: this.bucketName, url: this.url });
    }
}
