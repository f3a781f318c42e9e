import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { modelNamesProblems, modelServingProblems, modelSnapshot, type StoredModel } from "../../../components/torchserve/modelSnapshot";

const digits: StoredModel = { modelName: "digits", modelVersion: "1.0", marName: "digits.mar", serving: {} };

describe("the model snapshot", () => {
    it("has every key that both TorchServe releases want, defaults written out", () => {
        expect(JSON.parse(modelSnapshot([digits]))).toEqual({
            name: "startup.cfg",
            modelCount: 1,
            models: {
                digits: {
                    "1.0": {
                        defaultVersion: true,
                        marName: "digits.mar",
                        minWorkers: 1,
                        maxWorkers: 1,
                        batchSize: 1,
                        maxBatchDelay: 100,
                        responseTimeout: 120,
                        startupTimeout: 120,
                    },
                },
            },
        });
    });

    it("is one line of JSON, the same in whatever order the models stand", () => {
        const model = fc.record({
            modelName: fc.stringMatching(/^[A-Za-z0-9][\w-]{0,20}$/),
            modelVersion: fc.constantFrom("1.0", "2.0"),
            marName: fc.constant("m.mar"),
            serving: fc.record({ minWorkers: fc.integer({ min: 1, max: 9 }) }),
        });
        fc.assert(
            fc.property(fc.uniqueArray(model, { minLength: 1, maxLength: 5, selector: m => m.modelName }), models => {
                const text = modelSnapshot(models);
                expect(text).not.toMatch(/[\r\n]/);
                expect(modelSnapshot(models.toReversed())).toBe(text);
            }),
        );
    });

    it("starts as many workers at most as at least, where no maximum is given", () => {
        expect(modelSnapshot([{ ...digits, serving: { minWorkers: 4 } }])).toContain('"minWorkers":4,"maxWorkers":4');
    });
});

describe("how a model is served", () => {
    it.each([
        [{}, []],
        [
            {
                minWorkers: 2,
                maxWorkers: 2,
                batchSize: 1,
                responseTimeoutSeconds: 1,
                startupTimeoutSeconds: 600,
            },
            [],
        ],
        [{ minWorkers: 0 }, ["s.minWorkers"]],
        [{ batchSize: 0 }, ["s.batchSize"]],
        [{ batchSize: 8 }, ["s.batchSize"]],
        [{ responseTimeoutSeconds: 0 }, ["s.responseTimeoutSeconds"]],
        [{ responseTimeoutSeconds: 0.5 }, ["s.responseTimeoutSeconds"]],
        [{ startupTimeoutSeconds: 0 }, ["s.startupTimeoutSeconds"]],
        [{ minWorkers: 3, maxWorkers: 2 }, ["s.maxWorkers"]],
    ])("%j has its mistakes at %j", (serving, expected) => {
        expect(modelServingProblems(serving, "s").map(p => p.path)).toEqual(expected);
    });

    it("wants a model at all, and each under a name of its own", () => {
        expect(modelNamesProblems([], "models")).toHaveLength(1);
        expect(modelNamesProblems(["digits", "bert", "digits"], "models").map(p => p.path)).toEqual(["models[2].archive.modelName"]);
        expect(modelNamesProblems([undefined, undefined], "models")).toEqual([]);
    });
});
