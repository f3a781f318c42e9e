import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { TorchServeInferenceService, type TorchServeInferenceServiceArgs } from "../../../components/kserve/inferenceService";
import { DECLARATION_ANNOTATION } from "../../../components/kserve/inferenceServiceSpec";
import { ServingIdentity } from "../../../components/storage/servingIdentity";
import { Secret, unknown } from "../../../tools/sandbox/deploy/property";
import { expectParents, expectResources } from "../../program/expectResources";
import { recordFailure, recordProgram, recordUpdate } from "../../program/recordProgram";

const SERVICE = "kubernetes:serving.kserve.io/v1beta1:InferenceService";
const GATE = "pulumi-nodejs:dynamic/kserve-torchserve:ReadinessGate";

function declare(changed: Partial<TorchServeInferenceServiceArgs> = {}) {
    const identity = new ServingIdentity("serving", { namespace: "models" });
    const { url, revision, traffic } = new TorchServeInferenceService("digits", {
        namespace: "models",
        storageUri: "gs://models-1a2b3c/digits/0123",
        runtime: "torchserve-1a2b3c4d",
        serviceAccountName: identity.serviceAccountName,
        cluster: { context: "here" },
        ...changed,
    });
    return { url, revision, traffic };
}

const outputsFor = ({ type }: { type: string }) =>
    type === GATE
        ? { url: "http://digits.example.com", revision: "digits-predictor-00001", traffic: { "digits-predictor-00001": 100 } }
        : undefined;

describe.each([{ preview: true }, { preview: false }])("an inference service (preview: $preview)", ({ preview }) => {
    it("is an InferenceService and the gate behind it", async () => {
        const recording = await recordProgram(declare, { preview, outputsFor });
        expectResources(recording, [
            "kserve-torchserve:index:ServingIdentity serving",
            "kubernetes:core/v1:ServiceAccount serving",
            "kserve-torchserve:index:TorchServeInferenceService digits",
            `${SERVICE} digits`,
            `${GATE} digits-ready`,
        ]);
        expectParents(recording, [
            "kserve-torchserve:index:ServingIdentity serving",
            "kserve-torchserve:index:TorchServeInferenceService digits",
        ]);
        expect(recording.outputs).toEqual(
            preview
                ? { url: unknown, revision: unknown, traffic: unknown }
                : { url: "http://digits.example.com", revision: "digits-predictor-00001", traffic: { "digits-predictor-00001": 100 } },
        );
    });

    it("is asked for the very declaration that it was given", async () => {
        const recording = await recordProgram(() => declare({ canary: { trafficPercent: 20 } }), { preview, outputsFor });
        const service = recording.resource("digits", SERVICE);
        const gate = recording.resource("digits-ready");
        expect(service.inputs).toMatchObject({
            metadata: { name: "digits", namespace: "models" },
            spec: { predictor: { canaryTrafficPercent: 20, annotations: { [DECLARATION_ANNOTATION]: gate.inputs.declaration } } },
        });
        expect(gate.inputs).toMatchObject({
            namespace: "models",
            service: "digits",
            serviceAccountName: "serving",
            trafficPercent: 20,
            timeoutSeconds: 660,
        });
        expect(gate.propertyDependencies.service).toEqual([service.urn]);
    });

    it("keeps how to reach the cluster secret, wherever the state has it", async () => {
        const recording = await recordProgram(() => declare({ cluster: { context: "here", kubeconfig: "token: abc" } }), {
            preview,
            outputsFor,
        });
        const cluster = new Secret({ context: "here", kubeconfig: "token: abc" });
        expect(recording.resource("digits-ready").inputs.cluster).toEqual(cluster);
        expect(recording.resource("digits", "kserve-torchserve:index:TorchServeInferenceService").inputs.cluster).toEqual(cluster);
    });

    it("tells all mistakes at once, a hand-written service account among them, before it declares anything", async () => {
        const { errors } = await recordFailure(
            () => declare({ serviceAccountName: "default", canary: { trafficPercent: 200 }, resources: { memory: "lots" } }),
            { preview },
        );
        for (const path of ["digits.serviceAccountName", "digits.canary.trafficPercent", "digits.resources.memory"]) {
            expect(errors.join("\n")).toContain(path);
        }
    });
});

it("changes nothing but the percent when only the percent changes", async () => {
    const percent = (trafficPercent: number) => () => declare({ canary: { trafficPercent } });
    const { before, after } = await recordUpdate(percent(20), percent(50), { outputsFor });
    const predictor = (recording: typeof before) => recording.resource("digits", SERVICE).inputs.spec;
    expect(predictor(before)).toMatchObject({ predictor: { canaryTrafficPercent: 20 } });
    expect(JSON.stringify(predictor(after))).toBe(
        JSON.stringify(predictor(before)).replace('"canaryTrafficPercent":20', '"canaryTrafficPercent":50'),
    );
    expect(after.resource("digits", SERVICE).inputs.metadata).toEqual(before.resource("digits", SERVICE).inputs.metadata);
});

it("accepts an account from wherever it is made", async () => {
    await recordProgram(() => declare({ serviceAccountName: pulumi.output("from-the-platform-stack") }), { preview: false, outputsFor });
});
