import { createHash } from "node:crypto";

/** sha256, in hexadecimal, of plain data: the same for the same data whatever the order of its keys. */
export function contentDigest(data: unknown): string {
    return createHash("sha256").update(canonicalJson(data)).digest("hex");
}

/** JSON with sorted keys and without absent members. */
function canonicalJson(data: unknown): string {
    return JSON.stringify(data, (_key, value: unknown) =>
        isRecord(value) ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))) : value,
    );
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null && !Array.isArray(value);
}
