import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32, deflateRawSync, gzipSync } from "node:zlib";
import { afterAll, describe, expect, it } from "vitest";
import { InvalidConfiguration } from "../../../components/problems";
import { readArchive } from "../../../components/torchserve/archiveReader";
import { centralDirectory, localHeader } from "../../../components/torchserve/zip";

const folder = mkdtempSync(join(tmpdir(), "archive-reader-"));
afterAll(() => rmSync(folder, { recursive: true }));

const MANIFEST = "MAR-INF/MANIFEST.json";
const model = { modelName: "digits", handler: "handler.py", modelFile: "model.py", serializedFile: "digits.pt", modelVersion: "2.0" };
const manifest = (changes: object = {}) => JSON.stringify({ runtime: "python", model: { ...model, ...changes } });
const FILES = { "digits.pt": "weights", "handler.py": "handler", "model.py": "model" };

interface ZipOptions {
    readonly method?: number;
    readonly flags?: number;
    /** Bytes in front of the first entry. */
    readonly start?: string;
    /** Bytes between entries. */
    readonly gap?: string;
}

/** A zip with every liberty that the format allows, for readers to fail on. */
function zip(files: readonly (readonly [string, string])[], { method = 0, flags = 0, start = "", gap = "" }: ZipOptions = {}): Buffer {
    const parts: Buffer[] = [Buffer.from(start)];
    const entries = files.map(([name, text]) => ({ name, size: Buffer.byteLength(text), crc32: crc32(text) }));
    const directory = centralDirectory(entries);
    let at = 0;
    for (const [index, entry] of entries.entries()) {
        const content = Buffer.from(files[index]?.[1] ?? "");
        const data = method === 8 ? deflateRawSync(content) : content;
        const header = localHeader(entry);
        directory.writeUInt32LE(Buffer.concat(parts).length, at + 42);
        for (const [bytes, offset] of [
            [header, 0],
            [directory, at + 2],
        ] as const) {
            bytes.writeUInt16LE(0x800 | flags, offset + 6);
            bytes.writeUInt16LE(method, offset + 8);
            bytes.writeUInt32LE(data.length, offset + 18);
        }
        const descriptor = Buffer.alloc((flags & 8) === 0 ? 0 : 16);
        if (descriptor.length > 0) {
            header.fill(0, 14, 26);
            descriptor.writeUInt32LE(0x08074b50, 0);
            descriptor.writeUInt32LE(entry.crc32, 4);
            descriptor.writeUInt32LE(data.length, 8);
            descriptor.writeUInt32LE(entry.size, 12);
        }
        parts.push(header, data, descriptor, Buffer.from(gap));
        at += 46 + Buffer.byteLength(entry.name);
    }
    directory.writeUInt32LE(Buffer.concat(parts).length, at + 16);
    return Buffer.concat([...parts, directory]);
}

const archive = (files: object, options?: ZipOptions) => zip([...Object.entries(FILES), ...Object.entries(files)], options);

function read(bytes: Buffer | string) {
    const path = join(folder, "digits.mar");
    writeFileSync(path, bytes);
    return readArchive(path, "archive");
}

async function refusal(bytes: Buffer | string): Promise<string> {
    const error: unknown = await read(bytes).then(
        () => undefined,
        error => error,
    );
    expect(error).toBeInstanceOf(InvalidConfiguration);
    return error instanceof Error ? error.message : "";
}

describe("an existing archive", () => {
    it.each([
        ["stored", {}],
        ["deflated", { method: 8 }],
        ["deflated with sizes behind the data, as Java itself writes", { method: 8, flags: 8 }],
    ])("is read when its files are %s", async (_case, options) => {
        expect((await read(archive({ [MANIFEST]: manifest() }, options))).model).toEqual(model);
    });

    it("may leave its version to TorchServe's default, and bring a handler in a package or none at all", async () => {
        expect((await read(archive({ [MANIFEST]: manifest({ modelVersion: undefined }) }))).model.modelVersion).toBe("1.0");
        await read(archive({ [MANIFEST]: manifest({ handler: "inference" }), "inference/__init__.py": "" }));
        await read(archive({ [MANIFEST]: manifest({ handler: "handler:run" }) }));
        await read(archive({ [MANIFEST]: manifest({ handler: "image_classifier" }) }));
    });

    it.each<[string, Buffer | string, string]>([
        ["is empty", "", "a zip archive that starts with a file"],
        ["is something else", "not a zip at all", "a zip archive that starts with a file"],
        ["is a gzipped tar", gzipSync("tar"), "a gzipped tar"],
        ["is cut short", archive({ [MANIFEST]: manifest() }).subarray(0, -30), "possible to unpack"],
        ["starts with other bytes", archive({ [MANIFEST]: manifest() }, { start: "#!/bin/sh" }), "starts with a file"],
        [
            "has gaps, at which a streaming reader stops",
            archive({ [MANIFEST]: manifest() }, { gap: "gap" }),
            "other bytes stand in front of it",
        ],
        ["has its sizes behind stored data", archive({ [MANIFEST]: manifest() }, { flags: 8 }), "stored with its size behind it"],
        ["is encrypted", archive({ [MANIFEST]: manifest() }, { method: 8, flags: 1 }), "it is encrypted"],
        ["is compressed in a way that Java does not know", archive({ [MANIFEST]: manifest() }, { method: 12 }), "compression method 12"],
        ["leads out of its folder", archive({ [MANIFEST]: manifest(), "../evil.py": "" }), "invalid relative path"],
        ["has an absolute name", archive({ [MANIFEST]: manifest(), "/etc/evil": "" }), "absolute path"],
        ["has a file twice", zip([[MANIFEST, manifest()], ["a", "1"], ["a", "2"], ...Object.entries(FILES)]), "twice"],
        ["has no manifest", archive({}), "an archive with a manifest"],
        ["has a manifest that is no JSON", archive({ [MANIFEST]: "name: digits" }), "JSON"],
        ["has a manifest without a model", archive({ [MANIFEST]: '{"runtime": "python"}' }), "MANIFEST.json: model"],
        [
            "has a manifest for another runtime",
            archive({ [MANIFEST]: JSON.stringify({ runtime: "LSP", model }) }),
            "MANIFEST.json: runtime",
        ],
        [
            "has a model's name that KServe cannot route to",
            archive({ [MANIFEST]: manifest({ modelName: "digits.v2" }) }),
            "model.modelName",
        ],
        ["names a handler that it does not have", archive({ [MANIFEST]: manifest({ handler: "other.py" }) }), "model.handler"],
        ["names weights that it does not have", archive({ [MANIFEST]: manifest({ serializedFile: "other.pt" }) }), "model.serializedFile"],
        ["names a model file that it does not have", archive({ [MANIFEST]: manifest({ modelFile: "other.py" }) }), "model.modelFile"],
        [
            "names requirements that it does not have",
            archive({ [MANIFEST]: manifest({ requirementsFile: "r.txt" }) }),
            "model.requirementsFile",
        ],
    ])("is refused when it %s", async (_case, bytes, reason) => {
        expect(await refusal(bytes)).toContain(reason);
    });

    it("is refused with all that its manifest has wrong", async () => {
        const message = await refusal(
            archive({ [MANIFEST]: manifest({ handler: "other.py", serializedFile: "other.pt", modelName: "a.b" }) }),
        );
        expect(message.split("\n")).toHaveLength(3);
    });
});
