import type { ResourceValidationArgs, ResourceValidationPolicy } from "@pulumi/policy";
import { describe, expect, it } from "vitest";
import { ModelBucket, type TorchServeImageArgs, TorchServeRuntime } from "../../components";
import { pinnedImages } from "../../policies/pinnedImages";
import { privateBuckets } from "../../policies/privateBuckets";
import { recordProgram } from "../program/recordProgram";

/** What a policy reports of a resource, as Pulumi would ask it. */
function violations({ validateResource }: ResourceValidationPolicy, type: string, props: Record<string, unknown>): string[] {
    const reported: string[] = [];
    const validate = Array.isArray(validateResource) ? validateResource : [validateResource];
    // Only what these policies look at: the rest of the arguments is the engine's.
    const args = { type, props, name: "name", urn: "urn" } as unknown as ResourceValidationArgs;
    for (const check of validate) {
        check?.(args, message => reported.push(message));
    }
    return reported;
}

const BUCKET = "gcp:storage/bucket:Bucket";
const RUNTIME = "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime";

describe("private-buckets", () => {
    it("is content with our bucket", async () => {
        const recording = await recordProgram(() => void new ModelBucket("models", { location: "EU" }), { preview: true });
        expect(violations(privateBuckets, BUCKET, recording.resource("models", BUCKET).inputs)).toEqual([]);
    });

    it("reports a bucket that could be opened to everybody", () => {
        expect(violations(privateBuckets, BUCKET, { publicAccessPrevention: "inherited", uniformBucketLevelAccess: true })).toHaveLength(1);
        expect(violations(privateBuckets, BUCKET, {})).toHaveLength(2);
    });

    it("has nothing to say of anything else", () => {
        expect(violations(privateBuckets, "gcp:storage/bucketObject:BucketObject", {})).toEqual([]);
    });
});

describe("pinned-images", () => {
    const ask = async (image: TorchServeImageArgs) => {
        const recording = await recordProgram(() => void new TorchServeRuntime("torchserve", { namespace: "models", image }), {
            preview: true,
        });
        return violations(pinnedImages, RUNTIME, recording.resource("torchserve", RUNTIME).inputs);
    };

    it("is content with a runtime whose image has a digest", async () => {
        expect(await ask({ digest: `sha256:${"0a".repeat(32)}` })).toEqual([]);
    });

    it("reports one that follows a tag, and says what to set", async () => {
        expect(await ask({})).toEqual([expect.stringContaining("runtime.image.digest")]);
    });
});
