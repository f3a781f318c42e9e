import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { Problem } from "../problems";
import type { FileDigest } from "../storage/fileDigest";
import type { ModelArchiveArgs } from "./archive";
import { MANIFEST_NAME, manifestOf, manifestText } from "./archiveManifest";
import { zipSize } from "./zip";

/** A file that goes into an archive. */
export interface ArchiveFile {
    /** Path in the archive. */
    readonly name: string;
    /** Path on disk. */
    readonly source: string;
    /** The argument that named it, for messages. */
    readonly path: string;
}

export interface ArchiveEntry extends FileDigest {
    readonly name: string;
}

/** All that decides an archive's bytes, but for the content of its files. */
export interface ArchiveLayout {
    /** In the order of the archive. */
    readonly entries: readonly ArchiveEntry[];
    /** The one entry that is no file. */
    readonly manifest: string;
    /** Bytes of the archive. */
    readonly size: number;
}

/** Stands for the rules by which a layout becomes bytes, here and in `zip.ts`. When they change, it must. */
const FORMAT = "kserve-torchserve archive 1";

/** Lays out an archive of files whose digests are known. Where and when they were made plays no part. */
export function archiveLayout(args: ModelArchiveArgs, files: readonly ArchiveEntry[]): ArchiveLayout {
    const manifest = manifestText(manifestOf(args));
    const bytes = Buffer.from(manifest);
    const entries = [
        ...files,
        { name: MANIFEST_NAME, size: bytes.length, crc32: crc32(bytes), sha256: createHash("sha256").update(bytes).digest("hex") },
    ].toSorted((a, b) => (a.name < b.name ? -1 : 1));
    return { entries, manifest, size: zipSize(entries) };
}

/** The identity of an archive, without its bytes. */
export function archiveDigest({ entries }: ArchiveLayout): string {
    const hash = createHash("sha256").update(`${FORMAT}\n`);
    for (const { name, size, sha256 } of entries) {
        hash.update(`${sha256} ${size} ${name}\n`);
    }
    return hash.digest("hex");
}

/** Names that cannot stand side by side in an archive, or in none. torch-model-archiver lets the last of two files of one name win. */
export function archiveFileProblems(files: readonly ArchiveFile[]): Problem[] {
    const problems: Problem[] = [];
    const sources = new Map<string, string>();
    const folders = new Set(files.flatMap(file => foldersOf(file.name)));
    for (const { name, source, path } of files) {
        const other = sources.get(name);
        if (other !== undefined && other !== source) {
            problems.push({
                path,
                found: source,
                allowed: `possible beside ${other}, since both would be ${name} in the archive`,
                remedy: "rename one of them: files keep their names and lose their folders",
            });
        }
        sources.set(name, source);
        if (folders.has(name)) {
            problems.push({
                path,
                found: source,
                allowed: `possible beside a folder of the same name, ${name}`,
                remedy: "rename one of them",
            });
        }
        if (name.split("/")[0]?.toUpperCase() === "MAR-INF") {
            problems.push({
                path,
                found: source,
                allowed: "free to use: MAR-INF holds the archive's manifest",
                remedy: "rename the folder",
            });
        }
        // A backslash is a separator to some readers; the others break lists of names.
        // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
        if (/[\\\u0000-\u001f\u007f]/.test(name)) {
            problems.push({ path, found: source, allowed: "a name without backslashes and control characters", remedy: "rename the file" });
        }
    }
    return problems;
}

function foldersOf(name: string): string[] {
    const parts = name.split("/");
    return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("/"));
}
