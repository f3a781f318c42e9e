import { appendFileSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { open, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { crc32 } from "node:zlib";
import fc from "fast-check";
import { afterAll, beforeEach, describe, expect, it, vi } from "vitest";
import { ringOfBuffers } from "../../../components/storage/fileChunks";
import { digestFile, type FileDigest, verifiedChunks } from "../../../components/storage/fileDigest";
import { cacheDirectory, DigestCache } from "../../../components/storage/fileDigestCache";
import { sha256 } from "../torchserve/zipReaders";

const folder = mkdtempSync(join(tmpdir(), "file-digest-"));
afterAll(() => rmSync(folder, { recursive: true }));

const digestOf = (content: Buffer): FileDigest => ({ size: content.length, crc32: crc32(content), sha256: sha256(content) });

let directory: string;
let file: string;
beforeEach(() => {
    directory = mkdtempSync(join(folder, "cache-"));
    file = join(mkdtempSync(join(folder, "files-")), "weights.pt");
    writeFileSync(file, "weights");
    putTimeBack(file);
});

/** To a time that can be set exactly. */
const putTimeBack = (path: string) => utimesSync(path, 1e9, 1e9);

const HOUR_MILLISECONDS = 60 * 60 * 1000;

/** A change time cannot be set, so it is the run that takes place an hour after the file was written. */
async function anHourLater<T>(run: () => Promise<T>): Promise<T> {
    vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + HOUR_MILLISECONDS });
    try {
        return await run();
    } finally {
        vi.useRealTimers();
    }
}

const remember = () => anHourLater(() => digestFile(file, new DigestCache(directory)));

/** What the cache has for the file as it is now. */
async function remembered(): Promise<FileDigest | undefined> {
    const { size, ino, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return new DigestCache(directory).get(file, [size, ino, mtimeNs, ctimeNs].join(":"));
}

describe("a file's digest", () => {
    it("is of all of its bytes, around every size of a chunk", async () => {
        const sizes = fc.oneof(
            fc.nat(1000),
            fc.tuple(fc.nat(3), fc.integer({ min: -2, max: 2 })).map(([chunks, more]) => Math.max(0, chunks * 1024 * 1024 + more)),
        );
        await fc.assert(
            fc.asyncProperty(sizes, fc.nat(255), async (size, seed) => {
                const content = Buffer.alloc(size, Buffer.from([seed, 1, 2, 3, 5, 7, 11]));
                writeFileSync(file, content);
                expect(await digestFile(file)).toEqual(digestOf(content));
            }),
            { numRuns: 30 },
        );
    });

    it("is refused when the file is written to while it is read", async () => {
        const cache = new DigestCache(directory);
        // Asked for after the file's state is taken and before it is read.
        vi.spyOn(cache, "get").mockImplementation(async () => {
            appendFileSync(file, "more");
            return undefined;
        });
        await expect(digestFile(file, cache)).rejects.toThrow("let what writes the file finish");
    });
});

describe("a file's verified content", () => {
    async function readVerified(expected: FileDigest): Promise<string> {
        const parts: string[] = [];
        for await (const chunk of verifiedChunks(file, expected, ringOfBuffers())) {
            parts.push(chunk.toString());
        }
        return parts.join("");
    }

    describe.each([
        { when: "a moment", run: <T>(run: () => Promise<T>) => run() },
        { when: "an hour", run: anHourLater },
    ])("with a digest that was taken $when after it was written", ({ run }) => {
        it("is given while the file is the same", async () => {
            expect(await readVerified(await run(() => digestFile(file)))).toBe("weights");
        });

        it("is given also when only the file's times are others", async () => {
            const digest = await run(() => digestFile(file));
            utimesSync(file, 2e9, 2e9);
            expect(await readVerified(digest)).toBe("weights");
        });

        it.each<[string, () => void]>([
            ["in its content", () => writeFileSync(file, "WEIGHTS")],
            ["in its size", () => appendFileSync(file, "!")],
        ])("ends in an error when the file has changed %s", async (_case, change) => {
            const digest = await run(() => digestFile(file));
            change();
            putTimeBack(file);
            await expect(readVerified(digest)).rejects.toThrow(file);
        });
    });

    it("ends in an error when what is read is damaged, though the file's state is the same", async () => {
        const digest = await anHourLater(() => digestFile(file));
        await expect(readVerified({ ...digest, crc32: digest.crc32 ^ 1 })).rejects.toThrow("a file with CRC");
    });

    it("ends in an error when the file is written to meanwhile", async () => {
        const digest = await anHourLater(() => digestFile(file));
        const chunks = verifiedChunks(file, digest, ringOfBuffers());
        await chunks.next();
        writeFileSync(file, "WEIGHTS");
        await expect(chunks.next()).rejects.toThrow("let what writes the file finish");
    });
});

describe("the cache of digests", () => {
    it("saves an unchanged file from being read again", async () => {
        const digest = await remember();
        const handle = await open(file);
        const read = vi.spyOn(Object.getPrototypeOf(handle), "read");
        await handle.close();
        try {
            expect(await digestFile(file, new DigestCache(directory))).toEqual(digest);
            expect(read).not.toHaveBeenCalled();
        } finally {
            read.mockRestore();
        }
    });

    it.each<[string, () => void]>([
        ["longer", () => appendFileSync(file, "!")],
        ["of the same size", () => writeFileSync(file, "WEIGHTS")],
        [
            "of the same size and with its time put back",
            () => {
                writeFileSync(file, "WEIGHTS");
                putTimeBack(file);
            },
        ],
        [
            "another one in its place, with its time",
            () => {
                writeFileSync(`${file}.new`, "WEIGHTS");
                putTimeBack(`${file}.new`);
                renameSync(`${file}.new`, file);
            },
        ],
    ])("forgets a file that is now %s", async (_case, change) => {
        await remember();
        expect(await remembered()).toBeDefined();
        change();
        expect(await remembered()).toBeUndefined();
        expect(await remember()).toMatchObject(digestOf(readFileSync(file)));
        expect(await remembered()).toMatchObject(digestOf(readFileSync(file)));
    });

    it("does not remember a file that was written a moment ago, which could change again without a sign", async () => {
        await digestFile(file, new DigestCache(directory));
        expect(await remembered()).toBeUndefined();
    });

    it("takes a damaged entry for none", async () => {
        await remember();
        const [name = ""] = readdirSync(directory);
        const entry = readFileSync(join(directory, name), "utf8");
        for (const damaged of [
            "",
            "{}",
            "[1]",
            entry.slice(0, -5),
            entry.replace(/"crc32":\d/, '"crc32":9').replace(/"sha256":"./, '"sha256":"z'),
        ]) {
            expect(damaged).not.toBe(entry);
            writeFileSync(join(directory, name), damaged);
            expect(await remembered()).toBeUndefined();
        }
    });

    it("never fails, wherever it is told to be", async () => {
        for (const impossible of [join(file, "below-a-file"), "/dev/null/cache"]) {
            expect(await anHourLater(() => digestFile(file, new DigestCache(impossible)))).toMatchObject(digestOf(readFileSync(file)));
        }
    });

    it("can be used by many at once", async () => {
        const cache = Array.from({ length: 8 }, () => new DigestCache(directory));
        await anHourLater(() => Promise.all(Array.from({ length: 80 }, (_, index) => digestFile(file, cache[index % 8]))));
        expect(await remembered()).toMatchObject(digestOf(readFileSync(file)));
        expect(readdirSync(directory)).toHaveLength(1);
    });

    it("keeps what was used last, and nothing that a killed process left", async () => {
        for (let index = 0; index < 5; index++) {
            const path = join(directory, `${index}.json`);
            writeFileSync(path, "{}");
            utimesSync(path, new Date(), new Date(Date.now() - index * HOUR_MILLISECONDS));
        }
        writeFileSync(join(directory, "killed.new"), "");
        utimesSync(join(directory, "killed.new"), new Date(), new Date(Date.now() - 2 * HOUR_MILLISECONDS));

        const cache = new DigestCache(directory, { entries: 4, ageMilliseconds: 3.5 * HOUR_MILLISECONDS });
        await anHourLater(() => digestFile(file, cache));

        const kept = readdirSync(directory);
        expect(kept).toEqual(expect.arrayContaining(["0.json", "1.json", "2.json"]));
        expect(kept).toHaveLength(4);
    });

    it("is where the user wants it, or where such things belong", () => {
        expect(cacheDirectory({ KST_CACHE_DIR: "/k", XDG_CACHE_HOME: "/x" })).toBe("/k");
        expect(cacheDirectory({ XDG_CACHE_HOME: "/x" })).toBe("/x/kserve-torchserve");
        expect(cacheDirectory({})).toMatch(/\.cache\/kserve-torchserve$/);
    });
});
