import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { Writable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { digestFile } from "../../../components/storage/fileDigest";
import { DigestCache } from "../../../components/storage/fileDigestCache";
import type { ModelArchiveArgs } from "../../../components/torchserve/archive";
import { findArchiveFiles } from "../../../components/torchserve/archiveFiles";
import { archiveLayout } from "../../../components/torchserve/archiveLayout";
import { writeArchive } from "../../../components/torchserve/archiveStream";
import { prepareArchive } from "../../../components/torchserve/preparedArchive";
import { peakMemoryMebibytes } from "./peakMemory";

/** What a run of this program tells. */
export interface ArchiveReport {
    readonly digest: string;
    readonly size: number;
    /** sha256 of the archive's bytes. */
    readonly bytes: string;
    /** Most memory that the process had, in MiB. */
    readonly memoryMebibytes: number;
}

/** A process of its own for an archive: `stream ARGS CACHE` or `write ARGS CACHE TARGET`, with the archive's arguments in JSON. */
async function main(command: string, json: string, cacheDirectory: string, target: string): Promise<void> {
    const args: ModelArchiveArgs = JSON.parse(json);
    const cache = new DigestCache(cacheDirectory);
    const archive = await prepareArchive(args, "archive", cache);
    let bytes = "";
    if (command === "write") {
        const { files } = await findArchiveFiles(args, "archive");
        const entries = await Promise.all(files.map(async ({ name, source }) => ({ name, ...(await digestFile(source, cache)) })));
        await writeArchive(archiveLayout(args, entries), new Map(files.map(({ name, source }) => [name, source])), target);
    } else {
        bytes = await sha256Of(archive.stream());
    }
    const report: ArchiveReport = {
        digest: archive.digest,
        size: archive.size,
        bytes,
        memoryMebibytes: peakMemoryMebibytes(),
    };
    console.log(JSON.stringify(report));
}

async function sha256Of(stream: Readable): Promise<string> {
    const hash = createHash("sha256");
    // With a turn of the event loop for each chunk, as a network would take.
    await pipeline(
        stream,
        new Writable({
            write(chunk: Buffer, _encoding, done) {
                hash.update(chunk);
                setImmediate(done);
            },
        }),
    );
    return hash.digest("hex");
}

const [command = "", json = "", cacheDirectory = "", target = ""] = process.argv.slice(2);
main(command, json, cacheDirectory, target).catch(error => {
    console.error(error);
    process.exitCode = 1;
});
