import type { ResourceValidationPolicy } from "@pulumi/policy";

/** Models are often worth more than the data that they were made of: no bucket of a stack may be opened to everybody. */
export const privateBuckets: ResourceValidationPolicy = {
    name: "private-buckets",
    description: "Buckets enforce public access prevention and grant access uniformly, not object by object.",
    enforcementLevel: "mandatory",
    validateResource: ({ type, props }, reportViolation) => {
        if (type !== "gcp:storage/bucket:Bucket") {
            return;
        }
        if (props.publicAccessPrevention !== "enforced") {
            reportViolation(
                `publicAccessPrevention: ${JSON.stringify(props.publicAccessPrevention)} is not "enforced"; set it, so that no grant can make an object public`,
            );
        }
        if (props.uniformBucketLevelAccess !== true) {
            reportViolation(
                `uniformBucketLevelAccess: ${JSON.stringify(props.uniformBucketLevelAccess)} is not true; set it, so that access is what the bucket's policy says`,
            );
        }
    },
};
