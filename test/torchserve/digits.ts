import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";
import type { ModelArchiveArgs } from "../../components/torchserve/archive";

/** The sample model, and how to ask it in each protocol. */
const DIRECTORY = join(__dirname, "..", "..", "examples", "models", "digits");

export type DigitsVersion = "v1" | "v2";

const digit = z.int().min(0).max(9);
const image = z.array(z.array(z.int()).length(8)).length(8);

export const digitsSamples = z
    .object({
        request: z.object({ instances: z.array(z.object({ data: image })) }),
        labels: z.array(digit),
        answers: z.object({ v1: z.array(digit), v2: z.array(digit) }),
    })
    .parse(JSON.parse(readFileSync(join(DIRECTORY, "samples.json"), "utf8")));

export const digitsImages = digitsSamples.request.instances.map(instance => instance.data);

export function digitsArchive(version: DigitsVersion, modelName: string): ModelArchiveArgs {
    return {
        modelName,
        version: version === "v1" ? "1.0" : "2.0",
        modelFile: join(DIRECTORY, version, "model.py"),
        serializedFile: join(DIRECTORY, version, "digits.pt"),
        handler: join(DIRECTORY, "handler.py"),
    };
}

/** The body of a V2 request: an input for each image. */
export function digitsV2Request(images: readonly (readonly (readonly number[])[])[]) {
    return {
        id: "a-request",
        inputs: images.map((rows, index) => ({ name: `image-${index}`, datatype: "FP32", shape: [8, 8], data: rows.flat() })),
    };
}
