import { rm } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type TorchServeConfigArgs, torchServeConfigProblems } from "../../components/torchserve/configProperties";
import { TorchServeRelease } from "../../components/torchserve/images";
import { type ModelServingArgs, modelServingProblems } from "../../components/torchserve/modelSnapshot";
import { digitsArchive, digitsSamples } from "./digits";
import { describeWithTorchServe, TORCHSERVE_TIMEOUT_MILLISECONDS } from "./suite";
import { TorchServe } from "./torchServe";
import { writeStore, writeUncheckedConfig } from "./writtenStore";

const PREDICT = "/v1/models/digits:predict";
const oneImage = { instances: digitsSamples.request.instances.slice(0, 1) };

let server: TorchServe | undefined;

async function start(store: string): Promise<TorchServe> {
    server = await TorchServe.start({ release: TorchServeRelease.V0_12_0, store, envelope: "kserve" });
    return server;
}

describeWithTorchServe("a configuration that we render", () => {
    let store: string;

    beforeAll(async () => {
        store = await writeStore({
            models: [
                {
                    archive: digitsArchive("v1", "digits"),
                    serving: {
                        minWorkers: 2,
                        maxWorkers: 3,
                        responseTimeoutSeconds: 77,
                        startupTimeoutSeconds: 88,
                    },
                },
            ],
            torchServe: { jobQueueSize: 7, nettyThreads: 3, maxRequestBytes: 2000, maxResponseBytes: 3000 },
        });
        await (await start(store)).untilItAnswers(PREDICT, oneImage);
    }, TORCHSERVE_TIMEOUT_MILLISECONDS);

    afterAll(async () => {
        await server?.stop();
        await rm(store, { recursive: true });
    });

    it("is what TorchServe then says of the model", async () => {
        const reply = await server?.request("GET", "/models/digits");
        expect(reply?.body).toMatchObject([
            {
                modelName: "digits",
                modelVersion: "1.0",
                modelUrl: "digits.mar",
                minWorkers: 2,
                maxWorkers: 3,
                batchSize: 1,
                maxBatchDelay: 100,
                responseTimeout: 77,
                startupTimeout: 88,
                workers: [{}, {}],
                jobQueueStatus: { remainingCapacity: 7 },
            },
        ]);
    });

    it("is what TorchServe then says of itself", () => {
        expect(server?.log).toMatch(/^Netty threads: 3$/m);
        expect(server?.log).toMatch(/^Maximum Request Size: 2000$/m);
        expect(server?.log).toMatch(/^Maximum Response Size: 3000$/m);
        expect(server?.log).toMatch(/^Metrics mode: PROMETHEUS$/m);
    });

    it("limits the size of a request", async () => {
        expect(JSON.stringify(digitsSamples.request).length).toBeGreaterThan(2000);
        expect((await server?.request("POST", PREDICT, digitsSamples.request))?.status).toBe(413);
    });
});

interface Refused {
    readonly what: string;
    readonly serving?: ModelServingArgs;
    readonly config?: TorchServeConfigArgs;
}

describeWithTorchServe("a value that we refuse", () => {
    let store: string;
    beforeAll(async () => {
        store = await writeStore({ models: [{ archive: digitsArchive("v1", "digits") }] });
    }, TORCHSERVE_TIMEOUT_MILLISECONDS);
    afterEach(() => server?.stop());
    afterAll(() => rm(store, { recursive: true }));

    function expectRefused({ serving = {}, config = {} }: Refused): void {
        expect([...modelServingProblems(serving, "serving"), ...torchServeConfigProblems(config, "torchServe")]).toHaveLength(1);
    }

    async function startUnchecked({ serving = {}, config = {} }: Refused): Promise<TorchServe> {
        await writeUncheckedConfig(store, "digits", serving, config);
        return start(store);
    }

    describe("keeps TorchServe from starting", () => {
        it.each([
            { what: "an empty job queue", config: { jobQueueSize: 0 } },
            { what: "a job queue beyond an int", config: { jobQueueSize: 2 ** 31 } },
            { what: "half a thread", config: { nettyThreads: 1.5 } },
            { what: "a negative request size", config: { maxRequestBytes: -1 } },
        ])("$what", async refused => {
            expectRefused(refused);
            const started = await startUnchecked(refused);
            expect(await started.untilItSays(/^Invalid configuration: /m), started.log).toBe(true);
        });
    });

    describe("lets it start and never answer", () => {
        it.each([
            { what: "no time to respond", serving: { responseTimeoutSeconds: 0 } },
            { what: "no time to load the model", serving: { startupTimeoutSeconds: 0 } },
        ])("$what", async refused => {
            expectRefused(refused);
            const started = await startUnchecked(refused);
            await started.untilItSays(/Model server started/);
            const asked = started.request("POST", PREDICT, oneImage).catch(() => undefined);
            expect(await started.untilItSays(/Backend worker did not respond in given time/), started.log).toBe(true);
            await started.stop();
            expect((await asked)?.status).not.toBe(200);
        });

        it("no workers", async () => {
            const refused = { what: "no workers", serving: { minWorkers: 0, maxWorkers: 0 } };
            expectRefused({ ...refused, serving: { minWorkers: 0 } });
            const started = await startUnchecked(refused);
            await started.untilItSays(/Model server started/);
            expect(await started.request("POST", PREDICT, oneImage)).toMatchObject({
                status: 503,
                body: { message: expect.stringContaining("has no worker") },
            });
        });
    });

    // Source: ts/torch_handler/request_envelope/kserve.py and kservev2.py: each takes the first request of a batch and drops the rest.
    it("batches of two requests fail as a whole in KServe's protocols", async () => {
        const refused = { what: "a batch", serving: { batchSize: 2 } };
        expectRefused(refused);
        // The time to fill the batch is ours to choose only here: long enough for two requests on any machine.
        await writeUncheckedConfig(store, "digits", refused.serving, {}, text =>
            text.replace('"maxBatchDelay":100', '"maxBatchDelay":20000'),
        );
        const started = await start(store);
        await started.untilItSays(/Model server started/);
        const replies = await Promise.all([started.request("POST", PREDICT, oneImage), started.request("POST", PREDICT, oneImage)]);
        const failure = { status: 503, body: { message: "number of batch response mismatched" } };
        expect(replies).toMatchObject([failure, failure]);
    });
});
