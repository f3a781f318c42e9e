import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
    AssetOrArchive,
    fromWire,
    hasSecret,
    hasUnknown,
    mask,
    type Property,
    ResourceReference,
    reveal,
    Secret,
    secretAsIn,
    secretTexts,
    toWire,
    unknown,
} from "../../../../tools/sandbox/deploy/property";

const leaf: fc.Arbitrary<Property> = fc.oneof(
    fc.constant(null),
    fc.boolean(),
    fc.integer(),
    fc.string(),
    fc.constant(unknown),
    fc.string().map(urn => new ResourceReference(urn, "id")),
    fc.string().map(path => new AssetOrArchive("asset", { path })),
);
const { property } = fc.letrec<{ property: Property }>(tie => ({
    property: fc.oneof(
        { maxDepth: 4 },
        leaf,
        tie("property").map(value => new Secret(value)),
        fc.array(tie("property"), { maxLength: 3 }),
        fc.dictionary(
            fc.string({ minLength: 1 }).filter(name => name !== "__proto__"),
            tie("property"),
            { maxKeys: 3 },
        ),
    ),
}));

describe("a value between program and engine", () => {
    it("comes back as it was sent", () => {
        fc.assert(fc.property(property, value => void expect(fromWire(toWire(value))).toEqual(value)));
    });

    it("is written with the marks that Pulumi's own runtime reads", () => {
        const wire = toWire({ key: new Secret("hunter2"), later: unknown });
        expect(pulumi.runtime.deserializeProperty(wire, true)).toMatchObject({ value: { key: "hunter2" } });
        expect(pulumi.runtime.isRpcSecret(toWire(new Secret(1)))).toBe(true);
        expect(toWire(unknown)).toBe(pulumi.runtime.unknownValue);
    });

    it("reads an output value as what it holds", () => {
        const output = (fields: object) => fromWire({ [pulumi.runtime.specialSigKey]: pulumi.runtime.specialOutputValueSig, ...fields });
        expect(output({ value: 1 })).toBe(1);
        expect(output({ value: 1, secret: true })).toEqual(new Secret(1));
        expect(output({})).toBe(unknown);
    });

    it("shows no secret when masked, and all of it when revealed", () => {
        fc.assert(
            fc.property(property, value => {
                expect(hasSecret(mask(value))).toBe(false);
                expect(hasSecret(reveal(value))).toBe(false);
            }),
        );
        const value = { password: new Secret({ text: "hunter2", unknown }) };
        expect(JSON.stringify(mask(value))).toBe('{"password":"[secret]"}');
        expect(JSON.stringify(value)).not.toContain("hunter2");
        expect(secretTexts(value)).toEqual(["hunter2"]);
        expect(hasUnknown(value)).toBe(true);
    });

    it("marks in the answer what was secret in the question", () => {
        const inputs = { a: new Secret("x"), list: [{ b: new Secret("y") }] };
        expect(secretAsIn(inputs, { a: "x", list: [{ b: "y", c: 1 }], d: 2 })).toEqual({
            a: new Secret("x"),
            list: [{ b: new Secret("y"), c: 1 }],
            d: 2,
        });
    });
});
