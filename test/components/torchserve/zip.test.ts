import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { open } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPromise } from "yauzl";
import { centralDirectory, localHeader, type ZipEntry, zipSize } from "../../../components/torchserve/zip";
import {
    firstSizesFromJava,
    readWithJava,
    readWithPython,
    readWithYauzl,
    sha256,
    withoutJava,
    withoutPython,
    withoutUnzip,
} from "./zipReaders";

const folder = mkdtempSync(join(tmpdir(), "zip-"));
afterAll(() => rmSync(folder, { recursive: true }));

const GIB = 1024 ** 3;

const part = fc.string({ unit: fc.constantFrom(..."aB0_-. ~äß漢🎲"), minLength: 1, maxLength: 12 }).filter(name => !/^\.+$/.test(name));
const name = fc.array(part, { minLength: 1, maxLength: 3 }).map(parts => parts.join("/"));
const contents = fc.dictionary(name, fc.uint8Array({ maxLength: 300 }), { noNullPrototype: true, maxKeys: 8 });

function zipOf(files: Readonly<Record<string, Uint8Array>>): Buffer {
    const entries = Object.entries(files).map(([name, data]) => ({ name, size: data.length, crc32: crc32(data), data: Buffer.from(data) }));
    const bytes = Buffer.concat([...entries.flatMap(entry => [localHeader(entry), entry.data]), centralDirectory(entries)]);
    expect(bytes.length).toBe(zipSize(entries));
    return bytes;
}

const digestsOf = (files: Readonly<Record<string, Uint8Array>>) =>
    Object.fromEntries(Object.entries(files).map(([name, data]) => [name, sha256(Buffer.from(data))]));

describe("a zip of any files", () => {
    it("is read back the same by yauzl", async () => {
        const path = join(folder, "yauzl.zip");
        await fc.assert(
            fc.asyncProperty(contents, async files => {
                writeFileSync(path, zipOf(files));
                expect(await readWithYauzl(path)).toEqual(digestsOf(files));
            }),
        );
    });

    // One process reads many, since starting it takes longer than reading.
    const samples = fc.sample(contents, 60);
    const paths = samples.map((files, index) => {
        const path = join(folder, `sample-${index}.zip`);
        writeFileSync(path, zipOf(files));
        return path;
    });

    it("is read back the same by Java's ZipInputStream, by which TorchServe unpacks it", ({ skip }) => {
        skip(withoutJava !== undefined, withoutJava);
        expect(readWithJava(...paths)).toEqual(samples.map(digestsOf));
    });

    it("is read back the same by Python's zipfile", ({ skip }) => {
        skip(withoutPython !== undefined, withoutPython);
        expect(readWithPython(...paths)).toEqual(samples.map(digestsOf));
    });

    it("passes unzip's own test", ({ skip }) => {
        skip(withoutUnzip !== undefined, withoutUnzip);
        const path = join(folder, "unzip.zip");
        writeFileSync(path, zipOf({ "a.txt": Buffer.from("a"), "b/ä.txt": Buffer.from("b"), empty: Buffer.alloc(0) }));
        expect(execFileSync("unzip", ["-t", path], { encoding: "utf8" })).toContain("No errors detected");
    });
});

/** Headers at the places that sizes give them, and holes for the data: no disk is used. */
async function writeHoles(path: string, entries: readonly ZipEntry[]): Promise<void> {
    const file = await open(path, "w");
    let position = 0;
    let parts: Buffer[] = [];
    const flush = async () => {
        const bytes = Buffer.concat(parts);
        await file.write(bytes, 0, bytes.length, position);
        position += bytes.length;
        parts = [];
    };
    for (const entry of entries) {
        parts.push(localHeader(entry));
        if (entry.size > 0) {
            await flush();
            position += entry.size;
        }
    }
    parts.push(centralDirectory(entries));
    await flush();
    await file.close();
    expect(position).toBe(zipSize(entries));
}

describe("a zip at the bounds of the fields with 32 and 16 bits", () => {
    const manyEmpty = (count: number) => Array.from({ length: count }, (_, index) => ({ name: `${index}`, size: 0, crc32: 0 }));
    const cases = [
        { title: "an entry one byte below 4 GiB - 1", entries: [{ name: "a.pt", size: 4 * GIB - 2, crc32: 1 }] },
        { title: "an entry of 4 GiB - 1", entries: [{ name: "a.pt", size: 4 * GIB - 1, crc32: 1 }] },
        { title: "an entry above 4 GiB", entries: [{ name: "a.pt", size: 5 * GIB + 3, crc32: 1 }] },
        { title: "small entries that start behind 4 GiB", entries: ["a", "b", "c"].map(name => ({ name, size: 3 * GIB, crc32: 1 })) },
        { title: "big entries that start behind 4 GiB", entries: ["a", "b"].map(name => ({ name, size: 6 * GIB, crc32: 1 })) },
        { title: "65534 entries", entries: manyEmpty(65_534) },
        { title: "65535 entries", entries: manyEmpty(65_535) },
    ].map((each, index) => ({
        ...each,
        path: join(folder, `holes-${index}.zip`),
        found: each.entries.map(({ name, size }) => [name, size]),
    }));

    beforeAll(async () => {
        for (const { path, entries } of cases) {
            await writeHoles(path, entries);
        }
    }, 60_000);

    it.each(cases)(
        "has a directory that yauzl reads, and headers where it says: $title",
        async ({ path, found }) => {
            const zip = await openPromise(path, { autoClose: false });
            try {
                const read = [];
                for await (const entry of zip.eachEntry()) {
                    read.push([entry.fileName, entry.uncompressedSize]);
                    if (read.length % 10_000 === 1) {
                        expect((await zip.readLocalFileHeaderPromise(entry)).fileName.toString()).toBe(entry.fileName);
                    }
                }
                expect(read).toEqual(found);
            } finally {
                zip.close();
            }
        },
        60_000,
    );

    it("has a directory that Python reads, and headers where it says", ({ skip }) => {
        skip(withoutPython !== undefined, withoutPython);
        const script = `
import json, sys, zipfile
def read(path):
    with zipfile.ZipFile(path) as z:
        z.open(z.namelist()[-1]).close()
        return [[i.filename, i.file_size] for i in z.infolist()]
print(json.dumps([read(path) for path in sys.argv[1:]]))`;
        const read = execFileSync("python3", ["-c", script, ...cases.map(({ path }) => path)], {
            encoding: "utf8",
            maxBuffer: 64 * 1024 * 1024,
        });
        expect(JSON.parse(read)).toEqual(cases.map(({ found }) => found));
    }, 60_000);

    it("begins with a header whose size Java's ZipInputStream reads", ({ skip }) => {
        skip(withoutJava !== undefined, withoutJava);
        expect(firstSizesFromJava(...cases.map(({ path }) => path))).toEqual(cases.map(({ found }) => found[0]));
    }, 60_000);
});
