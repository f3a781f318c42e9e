import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canaryAnnotations, canaryPredictorFields, canaryProblems } from "../../../components/kserve/canary";

describe("canary traffic", () => {
    it("is allowed for every whole percent and nothing else", () => {
        fc.assert(
            fc.property(fc.oneof(fc.integer({ min: -50, max: 150 }), fc.double({ min: -200, max: 200 })), percent => {
                const allowed = Number.isInteger(percent) && percent >= 0 && percent <= 100;
                expect(canaryProblems({ trafficPercent: percent }, "services[0].canary")).toHaveLength(allowed ? 0 : 1);
            }),
        );
    });

    it("names the path, the value, the bound and the remedy of a mistake", () => {
        expect(canaryProblems({ trafficPercent: 150 }, "services[0].canary")).toEqual([
            {
                path: "services[0].canary.trafficPercent",
                found: 150,
                allowed: "a whole number from 0 to 100",
                remedy: "give the newest revision's share in percent",
            },
        ]);
    });

    it("writes a promotion as no field at all", () => {
        expect(canaryPredictorFields({ trafficPercent: 100 })).toEqual({});
        expect(canaryPredictorFields({})).toEqual({});
        expect(canaryPredictorFields({ trafficPercent: 0 })).toEqual({ canaryTrafficPercent: 0 });
    });

    it("asks for tagged URLs only when they are wanted", () => {
        expect(canaryAnnotations({ tagRouting: true })).toEqual({ "serving.kserve.io/enable-tag-routing": "true" });
        expect(canaryAnnotations({})).toEqual({});
    });
});
