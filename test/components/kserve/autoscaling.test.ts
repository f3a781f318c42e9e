import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { autoscalingPredictorFields, autoscalingProblems, ScaleMetric } from "../../../components/kserve/autoscaling";

const paths = (autoscaling: Parameters<typeof autoscalingProblems>[0]) => autoscalingProblems(autoscaling, "a").map(p => p.path);

describe("autoscaling", () => {
    it.each([
        [{}, []],
        [{ minReplicas: 0, maxReplicas: 0 }, []],
        [{ minReplicas: 3, maxReplicas: 3, metric: ScaleMetric.RequestsPerSecond, target: 1, containerConcurrency: 1000 }, []],
        [{ minReplicas: -1 }, ["a.minReplicas"]],
        [{ minReplicas: 1.5 }, ["a.minReplicas"]],
        [{ minReplicas: 5, maxReplicas: 3 }, ["a.maxReplicas"]],
        [{ target: 0 }, ["a.target"]],
        [{ target: 0.5 }, ["a.target"]],
        [{ containerConcurrency: 1001 }, ["a.containerConcurrency"]],
        [{ minReplicas: -1, target: 0, containerConcurrency: -1 }, ["a.minReplicas", "a.target", "a.containerConcurrency"]],
    ])("%j has its mistakes at %j", (autoscaling, expected) => {
        expect(paths(autoscaling)).toEqual(expected);
    });

    it("counts one replica at least where none is named, so a maximum of any size is above it", () => {
        fc.assert(fc.property(fc.integer({ min: 1, max: 1000 }), maxReplicas => paths({ maxReplicas }).length === 0));
    });

    it("leaves Knative's own target and concurrency alone where none is given", () => {
        expect(autoscalingPredictorFields({})).toEqual({ minReplicas: 1, maxReplicas: 0, scaleMetric: "concurrency" });
    });

    it("hands every knob on", () => {
        const all = { minReplicas: 0, maxReplicas: 4, metric: ScaleMetric.RequestsPerSecond, target: 20, containerConcurrency: 8 };
        expect(autoscalingPredictorFields(all)).toEqual({
            minReplicas: 0,
            maxReplicas: 4,
            scaleMetric: "rps",
            scaleTarget: 20,
            containerConcurrency: 8,
        });
    });
});
