import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeEach, describe, expect, it } from "vitest";
import { InvalidConfiguration } from "../../../components/problems";
import { DigestCache } from "../../../components/storage/fileDigestCache";
import type { ModelArchiveArgs } from "../../../components/torchserve/archive";
import { type PreparedArchive, prepareArchive } from "../../../components/torchserve/preparedArchive";
import { readWithYauzl, sha256 } from "./zipReaders";

const root = mkdtempSync(join(tmpdir(), "prepared-archive-"));
afterAll(() => rmSync(root, { recursive: true }));

let folder: string;
let args: ModelArchiveArgs;
beforeEach(() => {
    folder = mkdtempSync(join(root, "model-"));
    for (const name of ["handler.py", "model.py", "digits.pt", "requirements.txt", "model-config.yaml"]) {
        writeFileSync(join(folder, name), `content of ${name}`);
    }
    args = { modelName: "digits", handler: at("handler.py"), modelFile: at("model.py"), serializedFile: at("digits.pt") };
});
const at = (name: string) => join(folder, name);
const prepare = (args: ModelArchiveArgs) => prepareArchive(args, "models[0].archive", new DigestCache(join(root, "cache")));

async function write(archive: PreparedArchive): Promise<string> {
    const bytes = await buffer(archive.stream());
    expect(bytes.length).toBe(archive.size);
    writeFileSync(at(archive.fileName), bytes);
    return at(archive.fileName);
}

async function problemsOf(args: ModelArchiveArgs) {
    const error: unknown = await prepare(args).then(
        () => undefined,
        error => error,
    );
    expect(error).toBeInstanceOf(InvalidConfiguration);
    return error instanceof InvalidConfiguration ? error.problems.map(({ path, found }) => [path, found]) : [];
}

const contentOf = (...names: string[]) => Object.fromEntries(names.map(name => [name, sha256(`content of ${name}`)]));

describe("an archive from files", () => {
    it("holds them all side by side, under the model's name", async () => {
        const archive = await prepare({
            ...args,
            requirementsFile: at("requirements.txt"),
            configFile: at("model-config.yaml"),
            version: "2.0",
        });
        expect(archive).toMatchObject({ modelName: "digits", modelVersion: "2.0", fileName: "digits.mar", hasRequirements: true });
        const { "MAR-INF/MANIFEST.json": manifest, ...files } = await readWithYauzl(await write(archive));
        expect(manifest).toBeDefined();
        expect(files).toEqual(contentOf("handler.py", "model.py", "digits.pt", "requirements.txt", "model-config.yaml"));
    });

    it("takes a folder's content, in which caches and hidden folders are not, and a file named twice once", async () => {
        for (const name of ["data", "data/words", "data/words/__pycache__", "data/.git"]) {
            mkdirSync(at(name));
        }
        for (const name of ["data/labels.json", "data/words/en.txt", "data/words/__pycache__/x.pyc", "data/.git/config", "data/.env"]) {
            writeFileSync(at(name), `content of ${name.slice("data/".length)}`);
        }
        const archive = await prepare({ ...args, extraFiles: [at("data"), at("digits.pt")] });
        const { "MAR-INF/MANIFEST.json": _manifest, ...files } = await readWithYauzl(await write(archive));
        expect(files).toEqual(contentOf("handler.py", "model.py", "digits.pt", "labels.json", "words/en.txt", ".env"));
    });

    it("says all that is missing or in the way at once", async () => {
        mkdirSync(at("loop"));
        symlinkSync(at("loop"), at("loop/again"));
        mkdirSync(at("other"));
        writeFileSync(at("other/model.py"), "another");
        const extraFiles = [at("nothing"), at("other"), at("loop")];
        expect(
            await problemsOf({
                ...args,
                serializedFile: at("none.pt"),
                modelFile: at("model.py"),
                handler: folder.concat("/h.py"),
                extraFiles,
            }),
        ).toEqual([
            ["models[0].archive.handler", at("h.py")],
            ["models[0].archive.serializedFile", at("none.pt")],
            ["models[0].archive.extraFiles[0]", at("nothing")],
            ["models[0].archive.extraFiles[2]", at("loop/again")],
            ["models[0].archive.extraFiles[1]", at("other/model.py")],
        ]);
        expect(await problemsOf({ ...args, serializedFile: folder })).toEqual([["models[0].archive.serializedFile", folder]]);
    });

    it("has another digest once a file has another content", async () => {
        const { digest } = await prepare(args);
        expect((await prepare(args)).digest).toBe(digest);
        writeFileSync(at("digits.pt"), "other weights");
        expect((await prepare(args)).digest).not.toBe(digest);
    });
});

describe("an existing archive", () => {
    it("is stored as it is, under its own file's name", async () => {
        const file = await write(await prepare({ ...args, version: "3.1" }));
        const bytes = readFileSync(file);
        writeFileSync(at("given-3.mar"), bytes);
        const given = await prepare({ archive: at("given-3.mar") });
        expect(given).toMatchObject({
            modelName: "digits",
            modelVersion: "3.1",
            fileName: "given-3.mar",
            size: bytes.length,
            digest: sha256(bytes),
            hasRequirements: false,
        });
        expect(await buffer(given.stream())).toEqual(bytes);
    });

    it("is refused when it changes before it is stored, is not there or is no archive", async () => {
        await write(await prepare(args));
        const given = await prepare({ archive: at("digits.mar") });
        writeFileSync(at("digits.mar"), "x");
        await expect(buffer(given.stream())).rejects.toThrow(at("digits.mar"));
        expect(await problemsOf({ archive: at("digits.mar") })).toEqual([["models[0].archive.archive", at("digits.mar")]]);
        expect(await problemsOf({ archive: at("none.mar") })).toEqual([["models[0].archive.archive", at("none.mar")]]);
    });
});
