/**
 * A value as it travels between a Pulumi program and its engine: JSON, plus the marked values of Pulumi's wire format.
 * Source of the marks: pulumi/pulumi `sdk/nodejs/runtime/rpc.ts`.
 */
import type { JavaScriptValue } from "google-protobuf/google/protobuf/struct_pb";

export type Property =
    | null
    | boolean
    | number
    | string
    | readonly Property[]
    | Properties
    | Secret
    | Unknown
    | ResourceReference
    | AssetOrArchive;

export interface Properties {
    readonly [name: string]: Property;
}

/** A value that must never be shown. */
export class Secret {
    constructor(readonly value: Property) {}

    /** What `JSON.stringify` shows, so that a careless log shows no secret either. */
    toJSON(): string {
        return "[secret]";
    }
}

/** A value that is only known after the deployment has made something; previews are full of them. */
export class Unknown {
    /** Told apart from other classes by more than its name: TypeScript compares shapes. */
    readonly kind = "unknown";
}

export const unknown = new Unknown();

export class ResourceReference {
    constructor(
        readonly urn: string,
        readonly id?: Property,
    ) {}
}

/** A file, a text or a folder handed to a resource, in the fields of Pulumi's classes (`path`, `text`, `uri`, `assets`). */
export class AssetOrArchive {
    constructor(
        readonly kind: "asset" | "archive",
        readonly fields: Properties,
    ) {}
}

const signatureKey = "4dabf18193072939515e22adb298388d";
const unknownMark = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const marks = {
    asset: "c44067f5952c0a294b673a41bacd8c17",
    archive: "0def7320c3a5731c473e5ecbe6d01bc7",
    secret: "1b47061264138c4ac30d75fd1eb44270",
    resource: "5cf8f73096256a8f31e491e813e4eb8e",
    output: "d0e6a833031e9bbcd3f4e8bde6ca49a4",
};

export function isList(value: Property): value is readonly Property[] {
    return Array.isArray(value);
}

export function isObject(value: Property | undefined): value is Properties {
    return (
        typeof value === "object" &&
        value !== null &&
        !Array.isArray(value) &&
        !(value instanceof Secret || value instanceof Unknown || value instanceof ResourceReference || value instanceof AssetOrArchive)
    );
}

export function fromWire(value: JavaScriptValue): Property {
    if (value === unknownMark) {
        return unknown;
    }
    if (Array.isArray(value)) {
        return value.map(fromWire);
    }
    if (typeof value !== "object" || value === null) {
        return value;
    }
    const { [signatureKey]: mark, ...fields }: { [name: string]: JavaScriptValue } = Object.fromEntries(Object.entries(value));
    const inner = mapValues(fields, fromWire);
    switch (mark) {
        case undefined:
            return inner;
        case marks.secret:
            return new Secret(inner.value ?? null);
        case marks.resource:
            return new ResourceReference(String(inner.urn), inner.id);
        case marks.asset:
            return new AssetOrArchive("asset", inner);
        case marks.archive:
            return new AssetOrArchive("archive", inner);
        case marks.output: {
            const held = inner.value ?? unknown;
            return inner.secret === true ? new Secret(held) : held;
        }
        default:
            throw new Error(`the program sent a value with a mark that this version does not know: ${String(mark)}`);
    }
}

/** Plain JSON from a server, as properties without marks. */
export function fromJson(value: unknown): Property {
    if (Array.isArray(value)) {
        return value.map(fromJson);
    }
    if (typeof value === "object" && value !== null) {
        return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, fromJson(member)]));
    }
    return typeof value === "string" || typeof value === "number" || typeof value === "boolean" ? value : null;
}

export function propertiesFromWire(fields: { [name: string]: JavaScriptValue } | undefined): Properties {
    return mapValues(fields ?? {}, fromWire);
}

export function toWire(value: Property): JavaScriptValue {
    if (isList(value)) {
        return value.map(toWire);
    }
    if (value instanceof Unknown) {
        return unknownMark;
    }
    if (value instanceof Secret) {
        return { [signatureKey]: marks.secret, value: toWire(value.value) };
    }
    if (value instanceof ResourceReference) {
        return { [signatureKey]: marks.resource, urn: value.urn, ...(value.id === undefined ? {} : { id: toWire(value.id) }) };
    }
    if (value instanceof AssetOrArchive) {
        return { [signatureKey]: marks[value.kind], ...propertiesToWire(value.fields) };
    }
    return isObject(value) ? propertiesToWire(value) : value;
}

export function propertiesToWire(properties: Properties): { [name: string]: JavaScriptValue } {
    return mapValues(properties, toWire);
}

/** The value without its secret marks: for the server it is meant for, never for a log. */
export function reveal(value: Property): Property {
    return replaceSecrets(value, secret => reveal(secret.value));
}

/** The value with `[secret]` in place of each secret, for whatever is shown. */
export function mask(value: Property): Property {
    return replaceSecrets(value, () => "[secret]");
}

export function hasUnknown(value: Property): boolean {
    return some(value, part => part instanceof Unknown);
}

export function hasSecret(value: Property): boolean {
    return some(value, part => part instanceof Secret);
}

/** Marks in `outputs` what is secret in `inputs`: providers that know no secrets answer without the marks. */
export function secretAsIn(inputs: Property | undefined, outputs: Property): Property {
    if (inputs instanceof Secret) {
        return outputs instanceof Secret ? outputs : new Secret(outputs);
    }
    if (isObject(inputs) && isObject(outputs)) {
        return Object.fromEntries(Object.entries(outputs).map(([name, value]) => [name, secretAsIn(inputs[name], value)]));
    }
    if (inputs !== undefined && isList(inputs) && isList(outputs)) {
        return outputs.map((value, place) => secretAsIn(inputs[place], value));
    }
    return outputs;
}

/** Every text held in a secret, so that messages of other programs can be cleaned of it. */
export function secretTexts(value: Property): string[] {
    const texts: string[] = [];
    some(value, part => {
        if (part instanceof Secret) {
            some(part.value, leaf => {
                if (typeof leaf === "string" || typeof leaf === "number") {
                    texts.push(String(leaf));
                }
                return false;
            });
        }
        return false;
    });
    return texts;
}

function replaceSecrets(value: Property, replace: (secret: Secret) => Property): Property {
    if (value instanceof Secret) {
        return replace(value);
    }
    if (isList(value)) {
        return value.map(item => replaceSecrets(item, replace));
    }
    return isObject(value) ? mapValues(value, item => replaceSecrets(item, replace)) : value;
}

function some(value: Property, test: (part: Property) => boolean): boolean {
    if (test(value)) {
        return true;
    }
    if (value instanceof Secret) {
        return some(value.value, test);
    }
    if (isList(value)) {
        return value.some(item => some(item, test));
    }
    return isObject(value) && Object.values(value).some(item => some(item, test));
}

function mapValues<A, B>(from: { readonly [name: string]: A }, map: (value: A) => B): { [name: string]: B } {
    return Object.fromEntries(Object.entries(from).map(([name, value]) => [name, map(value)]));
}
