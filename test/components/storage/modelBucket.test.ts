import { describe, expect, it } from "vitest";
import { ModelBucket } from "../../../components/storage/modelBucket";
import { ModelStore } from "../../../components/storage/modelStore";
import { unknown } from "../../../tools/sandbox/deploy/property";
import { expectParents, expectResources } from "../../program/expectResources";
import { recordFailure, recordProgram, recordUpdate } from "../../program/recordProgram";

const reader =
    "principal://iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p.svc.id.goog/subject/ns/models/sa/serving";

describe.each([{ preview: true }, { preview: false }])("a model bucket (preview: $preview)", ({ preview }) => {
    it("is a bucket, its suffix and one grant, all children of the component", async () => {
        const recording = await recordProgram(() => void new ModelBucket("models", { location: "EU", reader }), { preview });
        expectResources(recording, [
            "kserve-torchserve:index:ModelBucket models",
            "random:index/randomId:RandomId models-suffix",
            "gcp:storage/bucket:Bucket models",
            "gcp:storage/bucketIAMMember:BucketIAMMember models-reader",
        ]);
        expectParents(recording, ["kserve-torchserve:index:ModelBucket models"]);
    });

    it("is private, restorable for a week and not destroyed with its models, unless told otherwise", async () => {
        const recording = await recordProgram(() => void new ModelBucket("models", { location: "EU", reader }), { preview });
        const { name: _, ...inputs } = recording.resource("models", "gcp:storage/bucket:Bucket").inputs;
        expect(inputs).toEqual({
            location: "EU",
            uniformBucketLevelAccess: true,
            publicAccessPrevention: "enforced",
            softDeletePolicy: { retentionDurationSeconds: 604_800 },
            forceDestroy: false,
        });
    });

    it("grants the reader to read objects of this bucket, and nothing else to anybody", async () => {
        const recording = await recordProgram(() => void new ModelBucket("models", { location: "EU", reader }), { preview });
        const grant = recording.resource("models-reader", "gcp:storage/bucketIAMMember:BucketIAMMember");
        expect(grant.inputs).toMatchObject({ role: "roles/storage.objectViewer", member: reader });
        expect(grant.propertyDependencies.bucket).toEqual([recording.resource("models", "gcp:storage/bucket:Bucket").urn]);
    });

    it("is used by no one before its reader may read it", async () => {
        const recording = await recordProgram(
            () =>
                void new ModelStore("digits", {
                    bucket: new ModelBucket("models", { location: "EU", reader }).bucketName,
                    version: "0".repeat(32),
                }),
            { preview },
        );
        const grant = recording.resource("models-reader", "gcp:storage/bucketIAMMember:BucketIAMMember");
        const version = recording.resource("digits", "pulumi-nodejs:dynamic/kserve-torchserve:ModelStoreVersion");
        expect(version.dependencies).toContain(grant.urn);
    });

    it("keeps the bucket and its name when it is to be retained, and not the grant", async () => {
        const recording = await recordProgram(() => void new ModelBucket("models", { location: "EU", reader, retain: true }), { preview });
        const kept = { protect: true, retainOnDelete: true };
        expect(recording.resource("models", "gcp:storage/bucket:Bucket").options).toMatchObject(kept);
        expect(recording.resource("models-suffix").options).toMatchObject(kept);
        expect(recording.resource("models-reader").options).not.toMatchObject({ protect: true });
        expect(recording.resource("models-reader").options).not.toMatchObject({ retainOnDelete: true });
    });

    it("refuses a retention that Cloud Storage does not know", async () => {
        const { errors } = await recordFailure(() => void new ModelBucket("models", { location: "EU", softDeleteDays: 3 }), { preview });
        expect(errors.join()).toContain("models.softDeleteDays: 3 is not 0 or a whole number from 7 to 90");
    });

    it("gives out the bucket's name and URL", async () => {
        const recording = await recordProgram(
            () => {
                const { bucketName, url } = new ModelBucket("models", { location: "EU", reader });
                return { bucketName, url };
            },
            { preview },
        );
        const bucket = recording.resource("models", "gcp:storage/bucket:Bucket");
        if (preview) {
            expect(recording.outputs).toEqual({ bucketName: unknown, url: unknown });
        } else {
            expect(recording.outputs).toEqual({ bucketName: bucket.inputs.name, url: `gs://${bucket.inputs.name}` });
            expect(bucket.inputs.name).toMatch(/^models-[0-9a-f]{6}$/);
        }
    });
});

it("keeps its bucket when what may change changes", async () => {
    const bucket = (softDeleteDays: number) => () => void new ModelBucket("models", { location: "EU", reader, softDeleteDays });
    const { before, after } = await recordUpdate(bucket(7), bucket(30));
    const of = (recording: typeof before) => recording.resource("models", "gcp:storage/bucket:Bucket");
    expect(of(after).inputs.name).toBe(of(before).inputs.name);
    expect(of(after).inputs.softDeletePolicy).toEqual({ retentionDurationSeconds: 2_592_000 });
});
