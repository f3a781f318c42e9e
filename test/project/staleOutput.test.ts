import { mkdtempSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { type CompiledSource, compiledSource, staleSource } from "../../tools/build/staleOutput";

let root: string;
let sources: CompiledSource[];

beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "stale-output-"));
    writeFileSync(join(root, "a.ts"), "export const a = 1;\n");
    writeFileSync(join(root, "b.ts"), "export const b = 1;\n");
    sources = [compiledSource(root, "a.ts"), compiledSource(root, "b.ts")];
});
afterEach(() => rmSync(root, { recursive: true }));

it("takes output for current while its sources are what they were", () => {
    expect(staleSource(root, sources)).toBeUndefined();
});

it("takes output for current after a checkout, which changes times and no content", () => {
    utimesSync(join(root, "a.ts"), new Date(0), new Date(0));
    expect(staleSource(root, sources)).toBeUndefined();
});

it("names the source that has changed, even by a character of the same length", () => {
    writeFileSync(join(root, "b.ts"), "export const b = 2;\n");
    expect(staleSource(root, sources)).toBe("b.ts");
});

it("names a source that is gone", () => {
    rmSync(join(root, "a.ts"));
    expect(staleSource(root, sources)).toBe("a.ts");
});
