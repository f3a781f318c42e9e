import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Properties, reveal, Secret } from "../../../../tools/sandbox/deploy/property";
import { randomValue } from "../../../../tools/sandbox/deploy/random";

const urn = (stack: string, name = "x") => `urn:pulumi:${stack}::p::random:index/randomId:RandomId::${name}`;
const id = (from: string, inputs: Properties = { byteLength: 4 }) => randomValue("random:index/randomId:RandomId", from, inputs);

describe("a random value without a memory", () => {
    it("is the same for the same stack, name and keepers, and another for any other", () => {
        expect(id(urn("dev"))).toEqual(id(urn("dev")));
        const others = [id(urn("dev")), id(urn("prod")), id(urn("dev", "y")), id(urn("dev"), { byteLength: 4, keepers: { a: "1" } })];
        expect(new Set(others.map(value => value.id)).size).toBe(others.length);
    });

    it("has one value in all its forms, with the prefix before each", () => {
        fc.assert(
            fc.property(fc.integer({ min: 1, max: 64 }), byteLength => {
                const { id: b64, outputs } = id(urn("dev"), { byteLength, prefix: "a-" });
                const bytes = Buffer.from(b64, "base64url");
                expect(bytes).toHaveLength(byteLength);
                expect(outputs).toMatchObject({
                    hex: `a-${bytes.toString("hex")}`,
                    b64Std: `a-${bytes.toString("base64")}`,
                    b64Url: `a-${b64}`,
                    dec: `a-${BigInt(`0x${bytes.toString("hex")}`)}`,
                });
            }),
        );
    });

    it("is a secret of the length and letters asked for when it is a password", () => {
        const sizes = fc.record({
            length: fc.integer({ min: 8, max: 60 }),
            minNumeric: fc.integer({ min: 0, max: 4 }),
            minUpper: fc.integer({ min: 0, max: 4 }),
        });
        fc.assert(
            fc.property(sizes, ({ length, minNumeric, minUpper }) => {
                const inputs = { length, minNumeric, minUpper, special: false };
                const { result } = randomValue("random:index/randomPassword:RandomPassword", urn("dev"), inputs).outputs;
                expect(result).toBeInstanceOf(Secret);
                const text = String(reveal(result ?? null));
                expect(text).toMatch(new RegExp(`^[A-Za-z0-9]{${length}}$`));
                expect(text.replaceAll(/[^0-9]/g, "").length).toBeGreaterThanOrEqual(minNumeric);
                expect(text.replaceAll(/[^A-Z]/g, "").length).toBeGreaterThanOrEqual(minUpper);
            }),
        );
    });

    it("is refused by name where it cannot be derived", () => {
        expect(() => randomValue("random:index/randomPet:RandomPet", urn("dev"), {})).toThrow("RandomPet");
    });
});
