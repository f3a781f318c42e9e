import { randomUUID } from "node:crypto";
import { type FileHandle, open, rename, unlink } from "node:fs/promises";
import { Readable } from "node:stream";
import { freshBuffers, type NextBuffer, ringOfBuffers } from "../storage/fileChunks";
import { verifiedChunks } from "../storage/fileDigest";
import type { ArchiveLayout } from "./archiveLayout";
import { MANIFEST_NAME } from "./archiveManifest";
import { centralDirectory, localHeader } from "./zip";

/** Where the files of an archive are, by their names in it. */
export type ArchiveSources = ReadonlyMap<string, string>;

/** The archive's bytes, `layout.size` of them. Ends in an error when a file is no longer what the layout says. */
export function archiveStream(layout: ArchiveLayout, sources: ArchiveSources): Readable {
    return Readable.from(archiveChunks(layout, sources, freshBuffers), { objectMode: false });
}

/** Writes the archive into a file, which is there whole or not at all, whatever happens to the process. */
export async function writeArchive(layout: ArchiveLayout, sources: ArchiveSources, target: string): Promise<void> {
    const aside = `${target}.${randomUUID()}.partial`;
    try {
        const file = await open(aside, "wx");
        try {
            await writeChunks(file, archiveChunks(layout, sources, ringOfBuffers()));
        } finally {
            await file.close();
        }
        await rename(aside, target);
    } catch (error) {
        await unlink(aside).catch(() => undefined);
        throw error;
    }
}

async function* archiveChunks(layout: ArchiveLayout, sources: ArchiveSources, nextBuffer: NextBuffer): AsyncGenerator<Buffer, void, void> {
    for (const entry of layout.entries) {
        yield localHeader(entry);
        const source = sources.get(entry.name);
        if (source !== undefined) {
            yield* verifiedChunks(source, entry, nextBuffer);
        } else if (entry.name === MANIFEST_NAME) {
            yield Buffer.from(layout.manifest);
        } else {
            throw new Error(`no source was given for the archive's entry ${entry.name}`);
        }
    }
    yield centralDirectory(layout.entries);
}

/** Each chunk is written while the next is read and verified. */
async function writeChunks(file: FileHandle, chunks: AsyncIterable<Buffer>): Promise<void> {
    let writing = Promise.resolve();
    try {
        for await (const chunk of chunks) {
            await writing;
            writing = writeWhole(file, chunk);
            // It may fail while the next chunk is awaited.
            writing.catch(() => undefined);
        }
    } finally {
        // Also when reading failed: the file is closed after this.
        await writing;
    }
}

async function writeWhole(file: FileHandle, chunk: Buffer): Promise<void> {
    for (let done = 0; done < chunk.length; ) {
        done += (await file.write(chunk, done)).bytesWritten;
    }
}
