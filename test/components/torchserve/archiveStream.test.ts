import { once } from "node:events";
import {
    appendFileSync,
    existsSync,
    mkdirSync,
    mkdtempSync,
    readdirSync,
    readFileSync,
    rmSync,
    statSync,
    truncateSync,
    utimesSync,
    writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { digestFile } from "../../../components/storage/fileDigest";
import { archiveLayout } from "../../../components/torchserve/archiveLayout";
import { archiveStream, writeArchive } from "../../../components/torchserve/archiveStream";
import { startWriting, streamInProcess, transpileArchiveProgram } from "./archiveProcess";
import { readWithYauzl, sha256 } from "./zipReaders";

const folder = mkdtempSync(join(tmpdir(), "archive-"));
afterAll(() => rmSync(folder, { recursive: true }));

const args = { modelName: "digits", handler: "base_handler", modelFile: "model.py" };

async function layOut(contents: Readonly<Record<string, Uint8Array>>) {
    const sources = new Map(Object.keys(contents).map((name, index) => [name, join(folder, `source-${index}`)]));
    const entries = [];
    for (const [name, source] of sources) {
        writeFileSync(source, contents[name] ?? "");
        entries.push({ name, ...(await digestFile(source)) });
    }
    return { layout: archiveLayout(args, entries), sources };
}

describe("an archive's stream", () => {
    it("has the size that was promised and the files that were given, whatever they are", async () => {
        const name = fc.string({ unit: fc.constantFrom(..."abä.-"), minLength: 1, maxLength: 6 }).filter(name => !/^\.+$/.test(name));
        const contents = fc.dictionary(name, fc.uint8Array({ maxLength: 100 }), { noNullPrototype: true, maxKeys: 5 });
        await fc.assert(
            fc.asyncProperty(contents, async contents => {
                const { layout, sources } = await layOut(contents);
                const bytes = await buffer(archiveStream(layout, sources));
                expect(bytes.length).toBe(layout.size);
                const target = join(folder, "streamed.mar");
                writeFileSync(target, bytes);
                expect(await readWithYauzl(target)).toEqual({
                    ...Object.fromEntries(Object.entries(contents).map(([name, content]) => [name, sha256(Buffer.from(content))])),
                    "MAR-INF/MANIFEST.json": sha256(layout.manifest),
                });
            }),
        );
    });

    // Around the size of a chunk, where the buffers change turns.
    it.each([1, 2, 3, 4, 7].flatMap(mebibytes => [-1, 0, 1].map(more => mebibytes * 1024 * 1024 + more)))(
        "written to a file equals the stream, for a file of %i bytes",
        async size => {
            const content = Buffer.alloc(size, "0123456789abcdefghijklmnopqrstuvwxyz~");
            const { layout, sources } = await layOut({ "model.pt": content, "model.py": Buffer.from("class Model: pass") });
            const target = join(folder, "written.mar");
            await writeArchive(layout, sources, target);
            expect(sha256(readFileSync(target))).toBe(sha256(await buffer(archiveStream(layout, sources))));
            expect((await readWithYauzl(target))["model.pt"]).toBe(sha256(content));
        },
    );
});

describe("a file that changed after its digest was taken", () => {
    it.each<[string, string, (path: string) => void]>([
        ["in its content", "a file with sha256", path => writeFileSync(path, "other weight")],
        ["to be longer", "a file of 13 bytes", path => appendFileSync(path, "s")],
        ["to be shorter", "a file of 5 bytes", path => truncateSync(path, 5)],
        [
            "in its content, with its times put back",
            "a file with sha256",
            path => {
                const { atime, mtime } = statSync(path);
                writeFileSync(path, "other weight");
                utimesSync(path, atime, mtime);
            },
        ],
    ])("%s (%s) ends the stream with an error that names it, and leaves no file", async (_case, found, change) => {
        const { layout, sources } = await layOut({ "weights.pt": Buffer.from("some weights") });
        const source = sources.get("weights.pt") ?? "";
        change(source);
        await expect(buffer(archiveStream(layout, sources))).rejects.toThrow(`${source}: "a file`);
        await expect(writeArchive(layout, sources, join(folder, "changed.mar"))).rejects.toThrow(found);
        expect(readdirSync(folder).filter(name => name.startsWith("changed.mar"))).toEqual([]);
    });
});

describe("an archive in a process of its own", () => {
    const MEBIBYTE = 1024 * 1024;
    let program: string;
    let models: string;
    beforeAll(() => {
        program = transpileArchiveProgram();
        models = join(folder, "models");
        mkdirSync(models);
        writeFileSync(join(models, "model.py"), "class Model: pass\n");
        // Holes: read like any other bytes, without taking disk.
        writeFileSync(join(models, "weights.pt"), "");
        truncateSync(join(models, "weights.pt"), 1024 * MEBIBYTE);
    });
    afterAll(() => rmSync(program, { recursive: true }));
    const run = () => ({
        args: {
            modelName: "digits",
            handler: "base_handler",
            modelFile: join(models, "model.py"),
            serializedFile: join(models, "weights.pt"),
        },
        cache: join(folder, "cache"),
    });

    it("takes no more than 150 MiB of memory for a gigabyte, digest and stream", { timeout: 300_000 }, async () => {
        const report = await streamInProcess(program, run());
        expect(report.size).toBeGreaterThan(1024 * MEBIBYTE);
        expect(report.memoryMebibytes).toBeLessThan(150);
    });

    it("killed while it writes leaves nothing that could be taken for the archive", { timeout: 300_000 }, async () => {
        const target = join(folder, "killed.mar");
        const child = startWriting(program, run(), target);
        const ended = once(child, "exit");
        const partial = () => readdirSync(folder).find(name => name.startsWith("killed.mar."));
        await vi.waitFor(() => expect(statSync(join(folder, partial() ?? "")).size).toBeGreaterThan(8 * MEBIBYTE), {
            timeout: 240_000,
            interval: 5,
        });
        expect(existsSync(target)).toBe(false);
        child.kill("SIGKILL");
        expect(await ended).toEqual([null, "SIGKILL"]);
        expect(existsSync(target)).toBe(false);
    });
});
