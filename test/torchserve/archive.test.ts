import { execFile } from "node:child_process";
import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { z } from "zod";
import { TorchServeRelease } from "../../components/torchserve/images";
import { prepareArchive } from "../../components/torchserve/preparedArchive";
import { digitsArchive, digitsSamples } from "./digits";
import { pythonEnvironment } from "./pythonEnvironment";
import { describeWithTorchServe, TORCHSERVE_TIMEOUT_MILLISECONDS } from "./suite";
import { TorchServe } from "./torchServe";
import { writeStore, writeUncheckedConfig } from "./writtenStore";

const run = promisify(execFile);
const FORMATS = ["default", "zip-store"] as const;

describeWithTorchServe("an archive beside that of torch-model-archiver", () => {
    let python: string;
    let directory: string;
    /** The archiver's archive of the second version, and ours. */
    const archiverMar = (format: (typeof FORMATS)[number]) => join(directory, format, `digits-${format}.mar`);
    const ourMar = () => join(directory, "ours.mar");

    beforeAll(async () => {
        python = await pythonEnvironment(TorchServeRelease.V0_12_0);
        directory = await mkdtemp(join(tmpdir(), "kst-mar-"));
        for (const format of FORMATS) {
            await mkdir(join(directory, format));
            await archive(python, format, join(directory, format));
        }
        const ours = await prepareArchive(digitsArchive("v2", "digits-default"), "archive");
        await pipeline(ours.stream(), createWriteStream(ourMar()));
    }, TORCHSERVE_TIMEOUT_MILLISECONDS);
    afterAll(() => rm(directory, { recursive: true }));

    it("has the same files with the same content, by Python's reading, and the same manifest but for the time", async () => {
        const [ours, theirs] = [await content(python, ourMar()), await content(python, archiverMar("default"))];
        expect(ours.files).toEqual(theirs.files);
        expect({ ...ours.manifest, createdOn: undefined }).toEqual({ ...theirs.manifest, createdOn: undefined });
    });

    it("is served, as an existing one is, with the same answers", async () => {
        const store = await writeStore({
            models: [
                { archive: digitsArchive("v2", "digits-ours") },
                ...FORMATS.map(format => ({ archive: { archive: archiverMar(format) } })),
            ],
        });
        const server = await TorchServe.start({ release: TorchServeRelease.V0_12_0, store, envelope: "kserve" });
        try {
            for (const model of ["digits-ours", "digits-default", "digits-zip-store"]) {
                const reply = await server.untilItAnswers(`/v1/models/${model}:predict`, digitsSamples.request);
                expect(reply.body).toEqual({ predictions: digitsSamples.answers.v2 });
            }
        } finally {
            await server.stop();
            await rm(store, { recursive: true });
        }
    });

    // Why the writer is our own: the usual streaming writers of zip files leave sizes to a descriptor behind the data.
    it("would be refused with its entries' sizes behind them", async () => {
        const store = await writeStore({ models: [{ archive: digitsArchive("v2", "digits") }] });
        await withDescriptors(python, ourMar(), join(store, "model-store", "digits.mar"));
        await writeUncheckedConfig(store, "digits", {}, {});
        const server = await TorchServe.start({ release: TorchServeRelease.V0_12_0, store, envelope: "kserve" });
        try {
            expect(await server.untilItSays(/only DEFLATED entries can have EXT descriptor/), server.log).toBe(true);
        } finally {
            await server.stop();
            await rm(store, { recursive: true });
        }
    });
});

/** Runs torch-model-archiver on the second version of the sample model. */
async function archive(python: string, format: string, exportPath: string): Promise<void> {
    const { modelFile = "", serializedFile = "", handler = "", version = "" } = digitsArchive("v2", "");
    const files = ["--model-file", modelFile, "--serialized-file", serializedFile, "--handler", handler];
    const names = ["--model-name", `digits-${format}`, "--version", version];
    await run(python, [
        "-m",
        "model_archiver.model_packaging",
        ...names,
        ...files,
        "--archive-format",
        format,
        "--export-path",
        exportPath,
    ]);
}

const contentSchema = z.object({ files: z.record(z.string(), z.string()), manifest: z.record(z.string(), z.unknown()) });

async function content(python: string, mar: string): Promise<z.infer<typeof contentSchema>> {
    const program = `
import hashlib, json, sys, zipfile
mar = zipfile.ZipFile(sys.argv[1])
manifest = "MAR-INF/MANIFEST.json"
files = {name: hashlib.sha256(mar.read(name)).hexdigest() for name in mar.namelist() if name != manifest and not name.endswith("/")}
print(json.dumps({"files": files, "manifest": json.loads(mar.read(manifest))}))
`;
    return contentSchema.parse(JSON.parse((await run(python, ["-c", program, mar])).stdout));
}

/** Copies an archive through a writer that cannot go back to fill in the sizes. */
async function withDescriptors(python: string, from: string, to: string): Promise<void> {
    const program = `
import sys, zipfile
class Pipe:
    def __init__(self, file): self.write, self.flush = file.write, file.flush
mar = zipfile.ZipFile(sys.argv[1])
with open(sys.argv[2], "wb") as file, zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_STORED) as copy:
    for name in mar.namelist():
        copy.writestr(name, mar.read(name))
`;
    await run(python, ["-c", program, from, to]);
}
