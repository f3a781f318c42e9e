import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { TorchServeRelease } from "../../components/torchserve/images";
import { type DigitsVersion, digitsArchive, digitsImages, digitsSamples, digitsV2Request } from "./digits";
import { describeWithPod, describeWithTorchServe, TORCHSERVE_TIMEOUT_MILLISECONDS } from "./suite";
import { TorchServe, type TorchServeOptions } from "./torchServe";
import { writeStore } from "./writtenStore";

const VERSIONS: readonly DigitsVersion[] = ["v1", "v2"];
const [firstImage = []] = digitsImages;
const explanations = z.object({ explanations: z.array(z.array(z.array(z.number()))) });

let store: string;
beforeAll(async () => {
    store = await writeStore({ models: VERSIONS.map(version => ({ archive: digitsArchive(version, `digits-${version}`) })) });
});
afterAll(() => rm(store, { recursive: true }));

describe("the committed samples", () => {
    it("tell the versions apart", () => {
        expect(digitsSamples.answers.v1).not.toEqual(digitsSamples.answers.v2);
    });

    it("show every digit once, read right by both versions, before those that they read differently", () => {
        const digits = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
        expect(digitsSamples.labels.slice(0, 10)).toEqual(digits);
        expect(digitsSamples.answers.v1.slice(0, 10)).toEqual(digits);
        expect(digitsSamples.answers.v2.slice(0, 10)).toEqual(digits);
        for (let index = 10; index < digitsSamples.labels.length; index++) {
            expect(digitsSamples.answers.v1[index]).not.toBe(digitsSamples.answers.v2[index]);
        }
    });
});

/** Starts one server for the tests of a suite. */
function serverOf(options: Omit<TorchServeOptions, "store">): () => TorchServe {
    let server: TorchServe | undefined;
    beforeAll(async () => {
        server = await TorchServe.start({ ...options, store });
    }, TORCHSERVE_TIMEOUT_MILLISECONDS);
    afterAll(() => server?.stop());
    return () => {
        if (server === undefined) {
            throw new Error("TorchServe has not started");
        }
        return server;
    };
}

function answersInV1(server: () => TorchServe): void {
    it.each(VERSIONS)("answers the samples as written down for %s", async version => {
        const reply = await server().untilItAnswers(`/v1/models/digits-${version}:predict`, digitsSamples.request);
        expect(reply.body).toEqual({ predictions: digitsSamples.answers[version] });
    });
}

function answersInV2(server: () => TorchServe): void {
    it.each(VERSIONS)("answers the samples as written down for %s", async version => {
        const { body } = await server().untilItAnswers(`/v2/models/digits-${version}/infer`, digitsV2Request(digitsImages));
        expect(body).toEqual({
            id: "a-request",
            model_name: `digits-${version}`,
            model_version: version === "v1" ? "1.0" : "2.0",
            outputs: digitsSamples.answers[version].map((digit, index) => ({
                name: `image-${index}`,
                datatype: "INT64",
                shape: [1],
                data: [digit],
            })),
        });
    });
}

describeWithTorchServe("the sample model in the V1 protocol", () => {
    const server = serverOf({ release: TorchServeRelease.V0_12_0, envelope: "kserve" });
    answersInV1(server);

    it("explains an answer by the weight of each pixel: an empty one has none", async () => {
        const { status, body } = await server().request("POST", "/v1/models/digits-v1:explain", { instances: [{ data: firstImage }] });
        expect(status).toBe(200);
        const explanation = explanations.parse(body).explanations[0] ?? [];
        const empty = firstImage.map(row => row.map(pixel => pixel === 0));
        expect(explanation.map((row, y) => row.filter((weight, x) => empty[y]?.[x] && weight !== 0))).toEqual(firstImage.map(() => []));
        expect(explanation.flat().some(weight => weight > 0)).toBe(true);
    });

    it.each([
        ["no image", { instances: [{}] }],
        [
            "an image of another size",
            {
                instances: [
                    {
                        data: [
                            [1, 2],
                            [3, 4],
                        ],
                    },
                ],
            },
        ],
        ["rows of different length", { instances: [{ data: [[1], [2, 3]] }] }],
        ["words", { instances: [{ data: "seven" }] }],
    ])("answers 400 to %s and says what it wants", async (_title, request) => {
        const { status, body } = await server().request("POST", "/v1/models/digits-v1:predict", request);
        expect(status).toBe(400);
        expect(body).toMatchObject({ message: expect.stringContaining("8 rows of 8 numbers from 0 to 16") });
    });

    it("is not answered in the V2 protocol", async () => {
        const { status } = await server().request("POST", "/v2/models/digits-v1/infer", digitsV2Request([firstImage]));
        expect(status).toBe(503);
    });

    it("is counted in what Prometheus scrapes", async () => {
        const { status, body } = await server().metrics();
        expect(status).toBe(200);
        expect(body).toMatch(/^ts_inference_requests_total\{model_name="digits-v1",.*\} [1-9]/m);
    });
});

describeWithTorchServe("the sample model in the V2 protocol", () => {
    const server = serverOf({ release: TorchServeRelease.V0_12_0, envelope: "kservev2" });
    answersInV2(server);

    it("explains an answer by a number for each pixel", async () => {
        const { status, body } = await server().request("POST", "/v2/models/digits-v2/explain", digitsV2Request([firstImage]));
        expect(status).toBe(200);
        expect(body).toMatchObject({ outputs: [{ name: "image-0", shape: [64] }] });
    });
});

describeWithTorchServe("the sample model in TorchServe's own protocol", () => {
    const server = serverOf({ release: TorchServeRelease.V0_12_0 });

    it.each(VERSIONS)("answers one image with one digit in %s", async version => {
        const reply = await server().untilItAnswers(`/predictions/digits-${version}`, { data: firstImage });
        expect(reply.body).toBe(digitsSamples.answers[version][0]);
    });
});

// The store and the arguments are those of the pod, without one override: what KServe downloads is what starts here.
describeWithPod("the sample model as in its pod, TorchServe 0.12", () => {
    answersInV1(serverOf({ release: TorchServeRelease.V0_12_0, envelope: "kserve", asPod: true }));
});

describeWithPod("the sample model as in its pod, TorchServe 0.9, in the V1 protocol", () => {
    answersInV1(serverOf({ release: TorchServeRelease.V0_9_0, envelope: "kserve", asPod: true }));
});

describeWithPod("the sample model as in its pod, TorchServe 0.9, in the V2 protocol", () => {
    answersInV2(serverOf({ release: TorchServeRelease.V0_9_0, envelope: "kservev2", asPod: true }));
});
