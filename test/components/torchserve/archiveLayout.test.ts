import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { ModelArchiveArgs } from "../../../components/torchserve/archive";
import { type ArchiveEntry, archiveDigest, archiveFileProblems, archiveLayout } from "../../../components/torchserve/archiveLayout";
import { manifestText } from "../../../components/torchserve/archiveManifest";
import { readManifest } from "../../../components/torchserve/archiveManifestReader";

const args: ModelArchiveArgs = { modelName: "digits", handler: "src/handler.py:run", serializedFile: "/models/digits.pt" };
const entry = (name: string, content: string): ArchiveEntry => ({
    name,
    size: Buffer.byteLength(content),
    crc32: crc32(content),
    sha256: createHash("sha256").update(content).digest("hex"),
});
const file = (name: string, source: string) => ({ name, source, path: `archive.extraFiles: ${source}` });

describe("an archive's digest", () => {
    const names = fc.uniqueArray(fc.string({ minLength: 1, unit: fc.constantFrom(..."abäZ_") }), { minLength: 2, maxLength: 6 });

    it("is the same whatever the order in which its files were found", () => {
        fc.assert(
            fc.property(names, names => {
                const files = names.map(name => entry(name, name));
                expect(archiveLayout(args, files.toReversed())).toEqual(archiveLayout(args, files));
            }),
        );
    });

    it("is another for another name, content, manifest or place of a content", () => {
        const layouts = [
            archiveLayout(args, [entry("a", "1"), entry("b", "2")]),
            archiveLayout(args, [entry("a", "2"), entry("b", "1")]),
            archiveLayout(args, [entry("a", "1"), entry("c", "2")]),
            archiveLayout(args, [entry("a", "1"), entry("b", "3")]),
            archiveLayout(args, [entry("a", "1")]),
            archiveLayout({ ...args, version: "1.1" }, [entry("a", "1"), entry("b", "2")]),
        ];
        expect(new Set(layouts.map(archiveDigest)).size).toBe(layouts.length);
    });

    it("never changes for the same files: it names what is stored already", () => {
        expect(archiveDigest(archiveLayout(args, [entry("handler.py", "h"), entry("digits.pt", "d")]))).toBe(
            "b7580118ce59ec03de39f54c5066b830fcca22203ba6dcede42c5def9d1df0d6",
        );
    });
});

describe("an archive's manifest", () => {
    it("names files as they are in the archive, and no time", () => {
        expect(JSON.parse(archiveLayout(args, []).manifest)).toEqual({
            createdOn: "01/01/1980 00:00:00",
            runtime: "python",
            model: { modelName: "digits", serializedFile: "digits.pt", handler: "handler.py:run", modelVersion: "1.0" },
            archiverVersion: "0.12.0",
        });
    });

    it("is ASCII, because TorchServe reads it in the locale's encoding, and is read back the same", () => {
        const layout = archiveLayout({ ...args, serializedFile: "zähler-🎲.pt" }, []);
        expect(layout.manifest).toMatch(/^[\n\x20-\x7e]*$/);
        const manifest = readManifest(layout.manifest, new Set(["handler.py", "zähler-🎲.pt"]), "archive");
        expect(manifest).not.toBeInstanceOf(Array);
        expect(Array.isArray(manifest) ? undefined : manifestText(manifest)).toBe(layout.manifest);
    });
});

describe("files of one archive", () => {
    it.each([
        ["two of one name", [file("a.txt", "/x/a.txt"), file("a.txt", "/y/a.txt")], ["/y/a.txt"]],
        ["a file and a folder of one name", [file("a", "/x/a"), file("a/b", "/y/a/b")], ["/x/a"]],
        ["one where the manifest is", [file("MAR-INF/x", "/y/MAR-INF/x")], ["/y/MAR-INF/x"]],
        ["one that a reader may take for two parts", [file("a\\b", "/y/a\\b")], ["/y/a\\b"]],
        ["one that breaks a line", [file("a\nb", "/y/a\nb")], ["/y/a\nb"]],
    ])("cannot be %s", (_case, files, found) => {
        expect(archiveFileProblems(files).map(problem => problem.found)).toEqual(found);
    });

    it("can be alike in different folders", () => {
        expect(archiveFileProblems([file("a/x", "/1"), file("b/x", "/2"), file("x", "/3")])).toEqual([]);
    });
});
