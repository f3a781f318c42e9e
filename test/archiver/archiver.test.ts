import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { DigestCache } from "../../components/storage/fileDigestCache";
import { archiveProblems, type ModelArchiveArgs } from "../../components/torchserve/archive";
import { readArchive } from "../../components/torchserve/archiveReader";
import { prepareArchive } from "../../components/torchserve/preparedArchive";
import { readWithYauzl } from "../components/torchserve/zipReaders";
import { ARCHIVER_RELEASES, installArchiver, runArchiver, withoutArchiver } from "./torchModelArchiver";

const reason = withoutArchiver();
if (reason !== undefined) {
    console.warn(`Skipping the comparison with torch-model-archiver: ${reason}.`);
}

const folder = mkdtempSync(join(tmpdir(), "archiver-"));
const at = (name: string) => join(folder, name);
afterAll(() => rmSync(folder, { recursive: true }));

beforeAll(() => {
    for (const name of ["extra/words/__pycache__", "extra/.hidden", "out", "ours"]) {
        mkdirSync(at(name), { recursive: true });
    }
    for (const name of [
        "handler.py",
        "model.py",
        "weights.pt",
        "labels.json",
        "requirements.txt",
        "model-config.yaml",
        "extra/notes.txt",
        "extra/.env",
        "extra/words/en.txt",
        "extra/words/__pycache__/x.pyc",
        "extra/.hidden/secret",
    ]) {
        writeFileSync(at(name), `content of ${name}`);
    }
    writeFileSync(at("empty.txt"), "");
});

const MODELS: readonly (readonly [string, () => ModelArchiveArgs])[] = [
    [
        "a state dictionary",
        () => ({ modelName: "digits", handler: at("handler.py"), modelFile: at("model.py"), serializedFile: at("weights.pt") }),
    ],
    [
        "a built-in handler",
        () => ({ modelName: "digits-2_b", version: "2.1", handler: "image_classifier", serializedFile: at("weights.pt") }),
    ],
    [
        "everything",
        () => ({
            modelName: "Digits",
            version: "1.0.1-rc.1",
            handler: at("handler.py"),
            modelFile: at("model.py"),
            serializedFile: at("weights.pt"),
            extraFiles: [at("labels.json"), at("extra"), at("empty.txt")],
            requirementsFile: at("requirements.txt"),
            configFile: at("model-config.yaml"),
        }),
    ],
];

/** Our arguments as the archiver takes them. */
function archiverArgs(args: ModelArchiveArgs, format: string): string[] {
    const options: [string, string | undefined][] = [
        ["--model-name", args.modelName],
        ["--version", args.version ?? "1.0"],
        ["--handler", args.handler],
        ["--model-file", args.modelFile],
        ["--serialized-file", args.serializedFile],
        ["--extra-files", args.extraFiles?.join(",")],
        ["--requirements-file", args.requirementsFile],
        ["--config-file", args.configFile],
        ["--archive-format", format],
        ["--export-path", at("out")],
    ];
    return [...options.flatMap(([option, value]) => (value === undefined ? [] : [option, value])), "--force"];
}

describe.skipIf(reason !== undefined).each(ARCHIVER_RELEASES)("torch-model-archiver %s", release => {
    let python: string;
    beforeAll(async () => {
        python = await installArchiver(release);
    }, 6 * 60_000);

    describe.each(["default", "zip-store"])("in its format %s", format => {
        it.each(MODELS)("makes archives that we read, with the manifest and the files of ours: %s", async (_title, model) => {
            const args = model();
            await runArchiver(python, archiverArgs(args, format));
            const theirs = join(at("out"), `${args.modelName}.mar`);

            const archive = await prepareArchive(args, "archive", new DigestCache(at("cache")));
            const ours = join(at("ours"), archive.fileName);
            writeFileSync(ours, await buffer(archive.stream()));

            const { createdOn: _theirTime, archiverVersion, ...theirManifest } = await readArchive(theirs, "theirs");
            const { createdOn: _ourTime, archiverVersion: _ourVersion, ...ourManifest } = await readArchive(ours, "ours");
            expect(archiverVersion).toBe(release);
            expect(ourManifest).toEqual(theirManifest);

            const { "MAR-INF/MANIFEST.json": _theirs, ...theirFiles } = await readWithYauzl(theirs);
            const { "MAR-INF/MANIFEST.json": _ours, ...ourFiles } = await readWithYauzl(ours);
            expect(ourFiles).toEqual(theirFiles);
        });
    });

    it.each<[string, (args: ModelArchiveArgs) => ModelArchiveArgs]>([
        ["a model's name with a space", args => ({ ...args, modelName: "my digits" })],
        ["a model's name that starts with a dash", args => ({ ...args, modelName: "_digits" })],
        ["no handler", args => ({ ...args, handler: undefined })],
        ["a handler that is not there", args => ({ ...args, handler: at("none.py") })],
        ["a model file that is not there", args => ({ ...args, modelFile: at("none.py") })],
        ["weights that are not there", args => ({ ...args, serializedFile: at("none.pt") })],
        ["weights that are a folder", args => ({ ...args, serializedFile: at("extra") })],
        ["an extra file that is not there", args => ({ ...args, extraFiles: [at("none.txt")] })],
        ["requirements that are not there", args => ({ ...args, requirementsFile: at("none.txt") })],
        ["a configuration that is not there", args => ({ ...args, configFile: at("none.yaml") })],
    ])("refuses what we refuse: %s", async (_title, change) => {
        const args = change({
            modelName: "digits",
            handler: at("handler.py"),
            modelFile: at("model.py"),
            serializedFile: at("weights.pt"),
        });
        await expect(runArchiver(python, archiverArgs(args, "default"))).rejects.toThrow();
        await expect(prepareArchive(args, "archive", new DigestCache(at("cache")))).rejects.toThrow(/^archive\./);
    });

    it("makes gzipped tars, which we refuse", async () => {
        const [, model] = MODELS[0] ?? ["", () => ({})];
        await runArchiver(python, archiverArgs(model(), "tgz"));
        await expect(readArchive(join(at("out"), "digits.tar.gz"), "archive")).rejects.toThrow("a gzipped tar");
        expect(archiveProblems({ archive: join(at("out"), "digits.tar.gz") }, "archive")).toHaveLength(1);
    });
});
