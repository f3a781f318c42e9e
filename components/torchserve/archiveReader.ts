import { type FileHandle, open } from "node:fs/promises";
import { buffer } from "node:stream/consumers";
import { type Entry, fromFdPromise, type LocalFileHeader, type ZipFile } from "yauzl";
import { InvalidConfiguration, type Problem, refuse } from "../problems";
import { type ArchiveManifest, MANIFEST_NAME } from "./archiveManifest";
import { readManifest } from "./archiveManifestReader";

/** A manifest is some hundred bytes; what claims to be more is not read. */
const MANIFEST_LIMIT_BYTES = 1024 * 1024;

const DESCRIPTOR_FLAG = 0x08;
const ENCRYPTED_FLAG = 0x01;
const STORED = 0;
const DEFLATED = 8;

/**
 * Reads what an existing archive says of itself, and checks that TorchServe can unpack and load it. TorchServe does not: with an
 * archive that is no zip, or without a manifest or a handler, it reports the model ready while its worker dies and restarts for ever.
 */
export async function readArchive(file: string, path: string): Promise<ArchiveManifest> {
    const handle = await open(file);
    try {
        refuse(await startProblems(handle, file, path));
        const manifest = await readZip(handle, file, path);
        if (Array.isArray(manifest)) {
            throw new InvalidConfiguration(manifest);
        }
        return manifest;
    } finally {
        await handle.close();
    }
}

async function startProblems(handle: FileHandle, file: string, path: string): Promise<Problem[]> {
    const { buffer: start } = await handle.read(Buffer.alloc(4), 0, 4, 0);
    if (start.readUInt32LE() === 0x04034b50) {
        return [];
    }
    // TorchServe unpacks a gzipped tar when it is named .tar.gz, but the 0.9 wrapper and KServe's storage initializer look for .mar.
    const isGzip = start.readUInt16LE() === 0x8b1f;
    return [
        {
            path,
            found: file,
            allowed: isGzip ? "a zip archive but a gzipped tar" : "a zip archive that starts with a file, which is what TorchServe unpacks",
            remedy: "make it with torch-model-archiver in its default format or as zip-store, or give the files that it was made from",
        },
    ];
}

async function readZip(handle: FileHandle, file: string, path: string): Promise<ArchiveManifest | Problem[]> {
    let zip: ZipFile;
    const entries: Entry[] = [];
    const headers = new Map<Entry, LocalFileHeader>();
    try {
        zip = await fromFdPromise(handle.fd, { autoClose: false, strictFileNames: true });
        for await (const entry of zip.eachEntry()) {
            entries.push(entry);
            headers.set(entry, await zip.readLocalFileHeaderPromise(entry));
        }
    } catch (error) {
        // yauzl refuses absolute names, names with `..` or a backslash, and whatever is damaged or cut short.
        return [unpackable(path, file, error instanceof Error ? error.message : String(error))];
    }
    const problems = streamProblems(entries, headers, path);
    const manifest = entries.find(entry => entry.fileName === MANIFEST_NAME);
    if (problems.length > 0) {
        return problems;
    }
    if (manifest === undefined || manifest.uncompressedSize > MANIFEST_LIMIT_BYTES) {
        return [{ path, found: file, allowed: `an archive with a manifest, ${MANIFEST_NAME}`, remedy: REMAKE }];
    }
    try {
        const text = (await buffer(await zip.openReadStreamPromise(manifest))).toString();
        return readManifest(text, new Set(entries.map(entry => entry.fileName)), path);
    } catch (error) {
        return [unpackable(`${path}!${MANIFEST_NAME}`, file, error instanceof Error ? error.message : String(error))];
    }
}

/** What Java's `ZipInputStream` cannot read, or reads other than the archive's directory says: it never looks at that. */
function streamProblems(entries: readonly Entry[], headers: ReadonlyMap<Entry, LocalFileHeader>, path: string): Problem[] {
    const problems: Problem[] = [];
    const names = new Set<string>();
    let ends = [0];
    for (const entry of entries.toSorted((a, b) => a.relativeOffsetOfLocalHeader - b.relativeOffsetOfLocalHeader)) {
        const inArchive = `${path}!${entry.fileName}`;
        const header = headers.get(entry);
        if (header === undefined) {
            continue;
        }
        const { generalPurposeBitFlag: flags, compressionMethod: method } = header;
        const hasDescriptor = (flags & DESCRIPTOR_FLAG) !== 0;
        if (names.has(entry.fileName)) {
            problems.push(unpackable(inArchive, entry.fileName, "it is there twice"));
        }
        names.add(entry.fileName);
        if (!ends.includes(entry.relativeOffsetOfLocalHeader)) {
            problems.push(unpackable(inArchive, entry.fileName, "other bytes stand in front of it, and it is unpacked from front to back"));
        }
        if ((flags & ENCRYPTED_FLAG) !== 0) {
            problems.push(unpackable(inArchive, entry.fileName, "it is encrypted"));
        }
        if (method !== STORED && method !== DEFLATED) {
            problems.push(unpackable(inArchive, entry.fileName, `compression method ${method} is neither stored (0) nor deflated (8)`));
        }
        if (method === STORED && hasDescriptor) {
            // In Java's words: "only DEFLATED entries can have EXT descriptor". TorchServe then comes up without the model.
            problems.push(unpackable(inArchive, entry.fileName, "it is stored with its size behind it, which cannot be read as a stream"));
        }
        const end = header.fileDataStart + entry.compressedSize;
        // A descriptor has a CRC and two sizes of 4 or 8 bytes, and perhaps a signature.
        ends = hasDescriptor ? [12, 16, 20, 24].map(bytes => end + bytes) : [end];
    }
    return problems;
}

const REMAKE = "make the archive again with torch-model-archiver, or give the files that it was made from";

function unpackable(path: string, found: string, why: string): Problem {
    return { path, found, allowed: `possible to unpack for TorchServe (${why})`, remedy: REMAKE };
}
