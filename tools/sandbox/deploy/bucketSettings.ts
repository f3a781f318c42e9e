import { isList, isObject, type Properties, type Property } from "./property";

/** Fields of Cloud Storage's bucket resource. Source: https://cloud.google.com/storage/docs/json_api/v1/buckets */
export type BucketFields = { readonly [field: string]: Property };

/** Inputs of a Pulumi bucket that are not settings of the bucket itself. */
const notSettings = new Set(["name", "project", "forceDestroy", "labels"]);

const same = (field: string) => (value: Property) => ({ [field]: value });

/** How each input of `gcp:storage/bucket:Bucket` is written in the JSON API. Source: terraform-provider-google `resource_storage_bucket.go`. */
const settings: { readonly [input: string]: (value: Property) => BucketFields } = {
    location: value => ({ location: String(value).toUpperCase() }),
    storageClass: same("storageClass"),
    uniformBucketLevelAccess: value => ({ iamConfiguration: { uniformBucketLevelAccess: { enabled: value } } }),
    publicAccessPrevention: value => ({ iamConfiguration: { publicAccessPrevention: value } }),
    versioning: value => ({ versioning: { enabled: member(value, "enabled") } }),
    softDeletePolicy: same("softDeletePolicy"),
    lifecycleRules: value => ({ lifecycle: { rule: isList(value) ? value.map(lifecycleRule) : [] } }),
    encryption: same("encryption"),
    requesterPays: value => ({ billing: { requesterPays: value } }),
    defaultEventBasedHold: same("defaultEventBasedHold"),
    hierarchicalNamespace: same("hierarchicalNamespace"),
    autoclass: same("autoclass"),
    rpo: same("rpo"),
};

const conditions: { readonly [input: string]: string } = {
    age: "age",
    createdBefore: "createdBefore",
    customTimeBefore: "customTimeBefore",
    daysSinceCustomTime: "daysSinceCustomTime",
    daysSinceNoncurrentTime: "daysSinceNoncurrentTime",
    matchesPrefixes: "matchesPrefix",
    matchesStorageClasses: "matchesStorageClass",
    matchesSuffixes: "matchesSuffix",
    noncurrentTimeBefore: "noncurrentTimeBefore",
    numNewerVersions: "numNewerVersions",
};

/** Exactly what is declared of a bucket, without its labels; an input this does not know is an error by name. */
export function bucketFields(inputs: Properties): BucketFields {
    let fields: BucketFields = {};
    for (const [input, value] of Object.entries(inputs)) {
        const write = settings[input];
        if (write === undefined && !notSettings.has(input)) {
            throw new Error(`the sandbox cannot set ${input} of a bucket; leave it out of the sandbox's stack`);
        }
        fields = merge(fields, write?.(value) ?? {});
    }
    return fields;
}

/** Whether a bucket has all that is declared. The JSON API writes 64-bit numbers as texts. */
export function hasFields(live: Property | undefined, declared: Property): boolean {
    if (isList(declared)) {
        return (
            live !== undefined && isList(live) && live.length === declared.length && declared.every((item, i) => hasFields(live[i], item))
        );
    }
    if (isObject(declared)) {
        return Object.entries(declared).every(([field, value]) => hasFields(isObject(live) ? live[field] : undefined, value));
    }
    return String(live) === String(declared);
}

function lifecycleRule(rule: Property): Properties {
    const condition = member(rule, "condition");
    const written: Record<string, Property> = {};
    for (const [name, value] of Object.entries(isObject(condition) ? condition : {})) {
        if (name === "withState") {
            // ANY is the absence of the condition.
            Object.assign(written, value === "ANY" ? {} : { isLive: value === "LIVE" });
            continue;
        }
        const field = conditions[name];
        if (field === undefined) {
            throw new Error(`the sandbox cannot set the lifecycle condition ${name}; leave it out of the sandbox's stack`);
        }
        written[field] = value;
    }
    return { action: member(rule, "action"), condition: written };
}

function member(value: Property, name: string): Property {
    return isObject(value) ? (value[name] ?? null) : null;
}

/** Two inputs can be members of one field (`iamConfiguration`). */
function merge(one: BucketFields, other: BucketFields): BucketFields {
    const merged: Record<string, Property> = { ...one };
    for (const [field, value] of Object.entries(other)) {
        const held = merged[field];
        merged[field] = isObject(held) && isObject(value) ? merge(held, value) : value;
    }
    return merged;
}
