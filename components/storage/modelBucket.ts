import { Bucket } from "@pulumi/gcp/storage/bucket";
import { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember";
import * as pulumi from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random/randomId";

export interface ModelBucketArgs {
    /** Where the objects are kept: a region or multi-region, e.g. `us-central1` or `EU`. Changing it makes a new bucket. */
    location: pulumi.Input<string>;
    /**
     * Who may read the models, as an IAM principal: `ServingIdentity.principal` of the identity that the services run as.
     * @default nobody
     */
    reader?: pulumi.Input<string>;
    /**
     * Days a deleted or overwritten object can still be restored, 0 or 7 to 90.
     * @default 7
     */
    softDeleteDays?: pulumi.Input<number>;
    /**
     * Delete the models together with the bucket on destroy, instead of refusing to. Plain: it decides how destroy behaves.
     * @default false
     */
    forceDestroy?: boolean;
}

/**
 * A private bucket for model stores, readable by one serving identity at most and by nothing else.
 *
 * Versions in it are removed by our own retention alone, which knows what is routed to. So its lifecycle rules touch what no
 * version refers to: noncurrent generations and aborted uploads.
 */
export class ModelBucket extends pulumi.ComponentResource {
    /** The bucket's name, with a random suffix: names are global in Cloud Storage. */
    readonly bucketName: pulumi.Output<string>;
    /** `gs://` URL of the bucket, without a trailing slash. */
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: ModelBucketArgs, opts?: pulumi.ComponentResourceOptions) {
        super("kserve-torchserve:index:ModelBucket", name, args, opts);

        const suffix = new RandomId(`${name}-suffix`, { byteLength: 3 }, { parent: this });
        const bucket = new Bucket(
            name,
            {
                name: pulumi.interpolate`${name}-${suffix.hex}`,
                location: args.location,
                uniformBucketLevelAccess: true,
                publicAccessPrevention: "enforced",
                softDeletePolicy: { retentionDurationSeconds: daysToSeconds(args.softDeleteDays ?? 7) },
                lifecycleRules: [
                    { action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: 7 } },
                    { action: { type: "AbortIncompleteMultipartUpload" }, condition: { age: 7 } },
                ],
                forceDestroy: args.forceDestroy ?? false,
            },
            { parent: this },
        );
        if (args.reader !== undefined) {
            // KServe's storage initializer lists the prefix and gets its objects (`_download_gcs`, python/storage in KServe 0.20);
            // objectViewer is the smallest predefined role with both.
            new BucketIAMMember(
                `${name}-reader`,
                {
                    bucket: bucket.name,
                    role: "roles/storage.objectViewer",
                    member: args.reader,
                },
                { parent: this },
            );
        }

        this.bucketName = bucket.name;
        this.url = bucket.url;
        this.registerOutputs({ bucketName: this.bucketName, url: this.url });
    }
}

const daysToSeconds = (days: pulumi.Input<number>) => pulumi.output(days).apply(d => d * 24 * 60 * 60);
