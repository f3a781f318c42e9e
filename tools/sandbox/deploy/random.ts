import { hkdfSync } from "node:crypto";
import { hasUnknown, type Properties, type Property, reveal, Secret } from "./property";
import type { MadeResource, ResourceHandler } from "./resourceHandler";

/**
 * Values of @pulumi/random, derived from the resource's URN (which holds project and stack) and its keepers instead of remembered: the same
 * stack always gets the same ones. Whoever knows these names can derive them too, which is enough for a sandbox and for nothing else.
 */
export const randomHandler: Pick<ResourceHandler, "plan" | "apply"> = {
    plan: async ({ type, urn, inputs }) => ({
        change: "unchanged",
        ...(hasUnknown(inputs) ? { outputs: inputs } : randomValue(type, urn, inputs)),
    }),
    apply: async resource => randomValue(resource.type, resource.urn, resource.inputs),
};

export function randomValue(type: string, urn: string, inputs: Properties): MadeResource {
    const seed = JSON.stringify([urn, reveal(inputs.keepers ?? null)]);
    switch (type) {
        case "random:index/randomId:RandomId":
            return randomId(stream(seed, numberOf(inputs.byteLength, 8)), inputs);
        case "random:index/randomString:RandomString": {
            const result = randomText(seed, inputs);
            return { id: result, outputs: { ...inputs, result } };
        }
        case "random:index/randomPassword:RandomPassword":
            // Without `bcryptHash`, which no part of Node computes.
            return { id: "none", outputs: { ...inputs, result: new Secret(randomText(seed, inputs)) } };
        default:
            throw new Error(`the sandbox cannot make ${type}; of @pulumi/random it makes RandomId, RandomString and RandomPassword`);
    }
}

/** Source of the fields: terraform-provider-random, `internal/provider/resource_id.go`. */
function randomId(bytes: Buffer, inputs: Properties): MadeResource {
    const prefix = typeof inputs.prefix === "string" ? inputs.prefix : "";
    return {
        id: bytes.toString("base64url"),
        outputs: {
            ...inputs,
            hex: prefix + bytes.toString("hex"),
            dec: prefix + BigInt(`0x${bytes.toString("hex")}`).toString(),
            b64Std: prefix + bytes.toString("base64"),
            b64Url: prefix + bytes.toString("base64url"),
        },
    };
}

/** Source of the alphabets and defaults: terraform-provider-random, `internal/random/string.go`. */
function randomText(seed: string, inputs: Properties): string {
    const classes = [
        { use: inputs.upper !== false, minimum: numberOf(inputs.minUpper, 0), letters: "ABCDEFGHIJKLMNOPQRSTUVWXYZ" },
        { use: inputs.lower !== false, minimum: numberOf(inputs.minLower, 0), letters: "abcdefghijklmnopqrstuvwxyz" },
        { use: inputs.numeric !== false && inputs.number !== false, minimum: numberOf(inputs.minNumeric, 0), letters: "0123456789" },
        {
            use: inputs.special !== false,
            minimum: numberOf(inputs.minSpecial, 0),
            letters: typeof inputs.overrideSpecial === "string" ? inputs.overrideSpecial : "!@#$%&*()-_=+[]{}<>:?",
        },
    ].filter(({ use }) => use);
    const length = numberOf(inputs.length, 0);
    const all = classes.map(({ letters }) => letters).join("");
    const wanted = classes.flatMap(({ letters, minimum }) => Array<string>(minimum).fill(letters));
    const alphabets = [...wanted, ...Array<string>(Math.max(0, length - wanted.length)).fill(all)];
    // Four bytes for each letter make the remainder's bias negligible; a second four shuffle the ones asked for among the rest.
    const bytes = stream(seed, alphabets.length * 8);
    return alphabets
        .map((alphabet, place) => ({
            letter: alphabet.charAt(bytes.readUInt32BE(place * 8) % alphabet.length),
            order: bytes.readUInt32BE(place * 8 + 4),
        }))
        .sort((a, b) => a.order - b.order)
        .map(({ letter }) => letter)
        .join("");
}

/** HKDF gives at most 255 blocks of 32 bytes, which is more than any of these lengths asks for. */
function stream(seed: string, length: number): Buffer {
    return Buffer.from(hkdfSync("sha256", seed, "", "kserve-torchserve sandbox", length));
}

function numberOf(value: Property | undefined, otherwise: number): number {
    return typeof value === "number" ? value : otherwise;
}
