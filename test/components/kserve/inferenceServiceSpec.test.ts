import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ScaleMetric } from "../../../components/kserve/autoscaling";
import {
    DECLARATION_ANNOTATION,
    inferenceServiceSpec,
    readySeconds,
    type ServiceSettings,
    serviceAnnotations,
    serviceNameProblems,
    serviceProblems,
} from "../../../components/kserve/inferenceServiceSpec";

const references = { storageUri: "gs://models/digits/0123", runtime: "torchserve-1a2b3c4d", serviceAccountName: "serving" };
const declaration = (settings: ServiceSettings, changed: Partial<typeof references> = {}) =>
    inferenceServiceSpec(settings, { ...references, ...changed }).predictor.annotations[DECLARATION_ANNOTATION];

const settings = fc.record(
    {
        resources: fc.record({ cpu: fc.constantFrom("1", "2", "500m"), memory: fc.constantFrom("1Gi", "2Gi") }, { requiredKeys: [] }),
        autoscaling: fc.record(
            {
                minReplicas: fc.nat(3),
                maxReplicas: fc.nat(9),
                metric: fc.constantFrom(...Object.values(ScaleMetric)),
                target: fc.integer({ min: 1, max: 99 }),
            },
            { requiredKeys: [] },
        ),
        timeouts: fc.record(
            { requestSeconds: fc.integer({ min: 1, max: 600 }), progressDeadlineSeconds: fc.integer({ min: 1, max: 900 }) },
            { requiredKeys: [] },
        ),
    },
    { requiredKeys: [] },
);

describe("the spec of an InferenceService", () => {
    it("names model, runtime, protocol and identity, and nothing that KServe would rewrite", () => {
        const { annotations, ...predictor } = inferenceServiceSpec({}, references).predictor;
        expect(predictor).toEqual({
            serviceAccountName: "serving",
            minReplicas: 1,
            maxReplicas: 0,
            scaleMetric: "concurrency",
            model: {
                modelFormat: { name: "pytorch" },
                runtime: "torchserve-1a2b3c4d",
                protocolVersion: "v1",
                storageUri: "gs://models/digits/0123",
                resources: { requests: { cpu: "1", memory: "2Gi" }, limits: { cpu: "1", memory: "2Gi" } },
            },
        });
        expect(Object.keys(annotations)).toEqual([DECLARATION_ANNOTATION]);
    });

    it("is the same declaration whatever the canary's percent, which makes no revision", () => {
        fc.assert(
            fc.property(settings, fc.integer({ min: 0, max: 100 }), (settings, trafficPercent) => {
                expect(declaration({ ...settings, canary: { trafficPercent } })).toBe(declaration(settings));
            }),
        );
    });

    it("is another declaration for everything else that makes a revision", () => {
        fc.assert(
            fc.property(settings, settings, (one, other) => {
                const stored = (s: ServiceSettings) =>
                    JSON.stringify([serviceAnnotations(s), { ...inferenceServiceSpec(s, references).predictor, annotations: {} }]);
                expect(declaration(one) === declaration(other)).toBe(stored(one) === stored(other));
            }),
        );
        expect(declaration({}, { storageUri: "gs://models/digits/4567" })).not.toBe(declaration({}));
        expect(declaration({}, { runtime: "torchserve-5e6f7a8b" })).not.toBe(declaration({}));
        expect(declaration({ canary: { tagRouting: true } })).not.toBe(declaration({}));
    });

    it("has metadata that nothing but the declaration changes", () => {
        expect(serviceAnnotations({})).toEqual({ "serving.kserve.io/deploymentMode": "Knative" });
        expect(serviceAnnotations({ timeouts: { progressDeadlineSeconds: 900 } })).toEqual({
            "serving.kserve.io/deploymentMode": "Knative",
            "serving.knative.dev/progress-deadline": "900s",
        });
    });
});

it("is waited for as long as Knative waits, and a minute for Knative to say why not", () => {
    expect(readySeconds({})).toBe(660);
    expect(readySeconds({ timeouts: { progressDeadlineSeconds: 3600 } })).toBe(3660);
    expect(readySeconds({ timeouts: { progressDeadlineSeconds: 3600 }, readyTimeoutSeconds: 30 })).toBe(30);
});

describe("what is refused of a service before anything is touched", () => {
    it.each([
        [{ resources: { cpu: "a lot" } }, ["s.resources.cpu"]],
        [{ resources: { memory: "4 Gi" } }, ["s.resources.memory"]],
        [{ resources: { cpu: "0.5", memory: "1e9" } }, []],
        [{ timeouts: { requestSeconds: 601 } }, ["s.timeouts.requestSeconds"]],
        [{ timeouts: { requestSeconds: 0 } }, ["s.timeouts.requestSeconds"]],
        [{ timeouts: { progressDeadlineSeconds: 0 } }, ["s.timeouts.progressDeadlineSeconds"]],
        [{ readyTimeoutSeconds: -5 }, ["s.readyTimeoutSeconds"]],
        [{ canary: { trafficPercent: 101 }, autoscaling: { target: 0 } }, ["s.autoscaling.target", "s.canary.trafficPercent"]],
    ])("%j has its mistakes at %j", (settings, expected) => {
        expect(serviceProblems(settings, "s").map(p => p.path)).toEqual(expected);
    });

    it.each(["digits", "a", "bert-2", "a".repeat(46)])("%s is a name", name => {
        expect(serviceNameProblems(name, "n")).toEqual([]);
    });

    it.each(["", "Digits", "2bert", "bert-", "bert.v2", "a_b", "a".repeat(47)])("%j is not a name", name => {
        expect(serviceNameProblems(name, "n")).toHaveLength(1);
    });
});
