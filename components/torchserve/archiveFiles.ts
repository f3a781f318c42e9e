import { constants } from "node:fs";
import { access, readdir, realpath, stat } from "node:fs/promises";
import { basename, join, resolve } from "node:path";
import type { Problem } from "../problems";
import type { ModelArchiveArgs } from "./archive";
import type { ArchiveFile } from "./archiveLayout";
import { handlerFile } from "./handlers";

/** Folders that stay outside, as in torch-model-archiver (`model_packaging_utils.py`, `directory_filter`). */
const isLeftOut = (folder: string) => folder.startsWith(".") || folder === "__MACOSX" || folder === "__pycache__";

/** Finds the files that go into an archive, and says which are missing: all of them, not the first. */
export async function findArchiveFiles(args: ModelArchiveArgs, path: string): Promise<{ files: ArchiveFile[]; problems: Problem[] }> {
    const named = [
        { path: `${path}.handler`, file: args.handler === undefined ? undefined : handlerFile(args.handler)?.file },
        { path: `${path}.modelFile`, file: args.modelFile },
        { path: `${path}.serializedFile`, file: args.serializedFile },
        { path: `${path}.requirementsFile`, file: args.requirementsFile },
        { path: `${path}.configFile`, file: args.configFile },
    ];
    const files: ArchiveFile[] = [];
    const problems: Problem[] = [];
    for (const { path, file } of named) {
        if (file !== undefined) {
            const source = resolve(file);
            problems.push(...(await fileProblems(source, file, path)));
            files.push({ name: entryName(basename(source)), source, path });
        }
    }
    for (const [index, extra] of (args.extraFiles ?? []).entries()) {
        const found = await findExtraFiles(extra, `${path}.extraFiles[${index}]`);
        files.push(...found.files);
        problems.push(...found.problems);
    }
    // A file may be named twice, e.g. as the model's configuration and as one of a folder.
    const once = new Map(files.map(file => [`${file.name}\n${file.source}`, file]));
    return { files: [...once.values()], problems };
}

/** A file, or a folder's content without the folder's own name, as torch-model-archiver takes it. */
async function findExtraFiles(extra: string, path: string): Promise<{ files: ArchiveFile[]; problems: Problem[] }> {
    const source = resolve(extra);
    const stats = await stat(source).catch(() => undefined);
    if (stats?.isDirectory()) {
        return findInFolder(source, "", path, []);
    }
    return { files: [{ name: entryName(basename(source)), source, path }], problems: await fileProblems(source, extra, path) };
}

async function findInFolder(
    folder: string,
    prefix: string,
    path: string,
    above: readonly string[],
): Promise<{ files: ArchiveFile[]; problems: Problem[] }> {
    const real = await realpath(folder);
    if (above.includes(real)) {
        return {
            files: [],
            problems: [{ path, found: folder, allowed: "a folder with an end: it leads into itself", remedy: "remove the link" }],
        };
    }
    const files: ArchiveFile[] = [];
    const problems: Problem[] = [];
    for (const item of await readdir(folder)) {
        const source = join(folder, item);
        const stats = await stat(source).catch(() => undefined);
        if (!stats?.isDirectory()) {
            problems.push(...(await fileProblems(source, source, path)));
            files.push({ name: entryName(prefix + item), source, path });
        } else if (!isLeftOut(item)) {
            const inner = await findInFolder(source, `${prefix}${item}/`, path, [...above, real]);
            files.push(...inner.files);
            problems.push(...inner.problems);
        }
    }
    return { files, problems };
}

/** The same name is the same bytes on systems that keep names decomposed. */
const entryName = (name: string) => name.normalize("NFC");

export async function fileProblems(source: string, found: string, path: string): Promise<Problem[]> {
    const stats = await stat(source).catch(() => undefined);
    const readable = await access(source, constants.R_OK).then(
        () => true,
        () => false,
    );
    if (stats?.isFile() && readable) {
        return [];
    }
    const why = stats === undefined ? "there is nothing" : stats.isFile() ? "it may not be read" : "it is no regular file";
    return [{ path, found, allowed: `a file that can be read (${why} at ${source})`, remedy: "make the file or correct the path" }];
}
