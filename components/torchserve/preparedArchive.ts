import { basename, resolve } from "node:path";
import { Readable } from "node:stream";
import { refuse } from "../problems";
import { freshBuffers } from "../storage/fileChunks";
import { digestFile, verifiedChunks } from "../storage/fileDigest";
import { DigestCache } from "../storage/fileDigestCache";
import { archiveProblems, type ModelArchiveArgs } from "./archive";
import { fileProblems, findArchiveFiles } from "./archiveFiles";
import { type ArchiveEntry, archiveDigest, archiveFileProblems, archiveLayout } from "./archiveLayout";
import { DEFAULT_MODEL_VERSION } from "./archiveManifest";
import { archiveStream } from "./archiveStream";

/** An archive that is ready to be stored; its bytes are read only when they are asked for. */
export interface PreparedArchive {
    readonly modelName: string;
    readonly modelVersion: string;
    /** File name for the model store, e.g. `digits.mar`. */
    readonly fileName: string;
    /** Bytes of the archive. */
    readonly size: number;
    /** In hexadecimal; equal for equal content. */
    readonly digest: string;
    /** Whether TorchServe must be told to install the archive's requirements. */
    readonly hasRequirements: boolean;
    /** The archive's bytes, as often as wanted. Ends in an error when a file has changed since. */
    stream(): Readable;
}

/**
 * Checks an archive and finds out its digest. Reads each of its files once, or not at all when it has not changed since it was last read.
 * All that is missing or wrong is one error.
 */
export async function prepareArchive(args: ModelArchiveArgs, path: string, cache = new DigestCache()): Promise<PreparedArchive> {
    refuse(archiveProblems(args, path));
    return args.archive === undefined ? prepareFiles(args, path, cache) : prepareExisting(args.archive, `${path}.archive`, cache);
}

async function prepareFiles(args: ModelArchiveArgs, path: string, cache: DigestCache): Promise<PreparedArchive> {
    const { files, problems } = await findArchiveFiles(args, path);
    refuse([...problems, ...archiveFileProblems(files)]);

    const entries: ArchiveEntry[] = [];
    for (const { name, source } of files) {
        entries.push({ name, ...(await digestFile(source, cache)) });
    }
    const layout = archiveLayout(args, entries);
    const sources = new Map(files.map(({ name, source }) => [name, source]));
    const modelName = args.modelName ?? "";
    return {
        modelName,
        modelVersion: args.version ?? DEFAULT_MODEL_VERSION,
        fileName: `${modelName}.mar`,
        size: layout.size,
        digest: archiveDigest(layout),
        hasRequirements: args.requirementsFile !== undefined,
        stream: () => archiveStream(layout, sources),
    };
}

async function prepareExisting(archive: string, path: string, cache: DigestCache): Promise<PreparedArchive> {
    const file = resolve(archive);
    refuse(await fileProblems(file, archive, path));
    // Loaded when first used: most archives are made here, and reading takes a zip reader and a schema.
    const { readArchive } = await import("./archiveReader.js");
    const { model } = await readArchive(file, path);
    const digest = await digestFile(file, cache);
    return {
        modelName: model.modelName,
        modelVersion: model.modelVersion,
        fileName: basename(file),
        size: digest.size,
        digest: digest.sha256,
        hasRequirements: model.requirementsFile !== undefined,
        stream: () => Readable.from(verifiedChunks(file, digest, freshBuffers), { objectMode: false }),
    };
}
