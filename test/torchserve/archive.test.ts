import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, it } from "vitest";
import { TorchServeRelease } from "../../components/torchserve/images";
import { installArchiver, runArchiver } from "../archiver/torchModelArchiver";
import { digitsArchive, digitsSamples } from "./digits";
import { describeWithTorchServe } from "./suite";
import { TorchServe } from "./torchServe";
import { writeStore } from "./writtenStore";

describeWithTorchServe("an archive that we make", () => {
    let directory: string;
    beforeAll(async () => {
        directory = await mkdtemp(join(tmpdir(), "kst-mar-"));
    });
    afterAll(() => rm(directory, { recursive: true }));

    it("is served beside those of torch-model-archiver, with the same answers", async () => {
        const archiver = await installArchiver("0.12.0");
        for (const format of ["default", "zip-store"]) {
            await runArchiver(archiver, archiverArguments(`archiver-${format}`, format, directory));
        }
        const store = await writeStore({
            models: [
                { archive: digitsArchive("v2", "ours") },
                { archive: { archive: join(directory, "archiver-default.mar") } },
                { archive: { archive: join(directory, "archiver-zip-store.mar") } },
            ],
        });
        const server = await TorchServe.start({ release: TorchServeRelease.V0_12_0, store, envelope: "kserve" });
        try {
            for (const model of ["ours", "archiver-default", "archiver-zip-store"]) {
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
        await putSizesBehind(join(store, "model-store", "digits.mar"));
        const server = await TorchServe.start({ release: TorchServeRelease.V0_12_0, store, envelope: "kserve" });
        try {
            expect(await server.untilItSays(/only DEFLATED entries can have EXT descriptor/), server.log).toBe(true);
        } finally {
            await server.stop();
            await rm(store, { recursive: true });
        }
    });
});

/** The archiver's arguments for the second version of the sample model. */
function archiverArguments(modelName: string, format: string, exportPath: string): string[] {
    const { modelFile = "", serializedFile = "", handler = "", version = "" } = digitsArchive("v2", modelName);
    const files = ["--model-file", modelFile, "--serialized-file", serializedFile, "--handler", handler];
    return ["--model-name", modelName, "--version", version, ...files, "--archive-format", format, "--export-path", exportPath];
}

/** Writes an archive anew, through a writer that cannot go back to fill in the sizes. */
async function putSizesBehind(archive: string): Promise<void> {
    const program = `
import io, sys, zipfile
class Pipe:
    def __init__(self, file): self.write, self.flush = file.write, file.flush
mar = zipfile.ZipFile(io.BytesIO(open(sys.argv[1], "rb").read()))
with open(sys.argv[1], "wb") as file, zipfile.ZipFile(Pipe(file), "w", zipfile.ZIP_STORED) as copy:
    for name in mar.namelist():
        copy.writestr(name, mar.read(name))
`;
    await promisify(execFile)("python3", ["-c", program, archive]);
}
