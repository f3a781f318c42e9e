import { expect, it } from "vitest";
import { ModelBucket, ModelStore, ServingIdentity, TorchServeInferenceService, TorchServeRuntime } from "../../components";
import { expectResources } from "../program/expectResources";
import { recordProgram } from "../program/recordProgram";

/** What the README shows: it compiles only while each component takes another's outputs as they are. */
function compose(workloadIdentity?: { project: string; projectNumber: string }) {
    const namespace = "models";
    const identity = new ServingIdentity("serving", { namespace, workloadIdentity });
    const bucket = new ModelBucket("models", { location: "us-central1", reader: identity.principal });
    const runtime = new TorchServeRuntime("torchserve", { namespace });
    const store = new ModelStore("digits", { bucket: bucket.bucketName, version: "0123456789abcdef0123456789abcdef" });
    const service = new TorchServeInferenceService("digits", {
        namespace,
        cluster: { context: "gke_acme-dev_us-central1_serving" },
        storageUri: store.storageUri,
        runtime: runtime.runtimeName,
        serviceAccountName: identity.serviceAccountName,
    });
    return { url: service.url };
}

const EVERYTHING = [
    "kserve-torchserve:index:ServingIdentity serving",
    "kubernetes:core/v1:ServiceAccount serving",
    "kserve-torchserve:index:ModelBucket models",
    "random:index/randomId:RandomId models-suffix",
    "gcp:storage/bucket:Bucket models",
    "kserve-torchserve:index:TorchServeRuntime torchserve",
    "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime torchserve",
    "kserve-torchserve:index:ModelStore digits",
    "pulumi-nodejs:dynamic/kserve-torchserve:ModelStoreVersion digits",
    "kserve-torchserve:index:TorchServeInferenceService digits",
    "kubernetes:serving.kserve.io/v1beta1:InferenceService digits",
    "pulumi-nodejs:dynamic/kserve-torchserve:ReadinessGate digits-ready",
];
const outputsFor = ({ type }: { type: string }) => (type.endsWith(":ReadinessGate") ? { url: "http://digits.example.com" } : undefined);

it.each([{ preview: true }, { preview: false }])(
    "the components compose, one taking another's outputs as they are (preview: $preview)",
    async ({ preview }) => {
        const recording = await recordProgram(() => compose({ project: "acme-dev", projectNumber: "123456789012" }), {
            preview,
            outputsFor,
        });
        expectResources(recording, [...EVERYTHING, "gcp:storage/bucketIAMMember:BucketIAMMember models-reader"]);
        const grant = recording.resource("models-reader");
        expect(grant.inputs.member).toBe(
            "principal://iam.googleapis.com/projects/123456789012/locations/global/workloadIdentityPools/acme-dev.svc.id.goog/subject/ns/models/sa/serving",
        );
    },
);

it.each([{ preview: true }, { preview: false }])("an anonymous identity is granted nothing (preview: $preview)", async ({ preview }) => {
    expectResources(await recordProgram(() => compose(), { preview, outputsFor }), EVERYTHING);
});
