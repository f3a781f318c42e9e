import { createHash } from "node:crypto";
import { readFileSync, statSync } from "node:fs";
import { join } from "node:path";

/** A source file as it was when it was compiled. */
export interface CompiledSource {
    readonly path: string;
    readonly size: number;
    readonly modifiedMilliseconds: number;
    readonly sha256: string;
}

/** Where a build writes what it was made from, in the output folder. */
export const COMPILED_SOURCES = "sources.json";

export function compiledSource(root: string, path: string): CompiledSource {
    const { size, mtimeMs } = statSync(join(root, path));
    return { path, size, modifiedMilliseconds: mtimeMs, sha256: sha256Of(join(root, path)) };
}

/**
 * The first source that is no longer what the output was compiled from; `undefined` if none is. A file is read only if its size or
 * time differs, as after a checkout. What the package ships without its sources cannot be stale.
 */
export function staleSource(root: string, sources: readonly CompiledSource[]): string | undefined {
    return sources.find(source => {
        const found = statSync(join(root, source.path), { throwIfNoEntry: false });
        if (found === undefined) {
            return true;
        }
        const untouched = found.size === source.size && found.mtimeMs === source.modifiedMilliseconds;
        return !untouched && sha256Of(join(root, source.path)) !== source.sha256;
    })?.path;
}

const sha256Of = (path: string) => createHash("sha256").update(readFileSync(path)).digest("hex");
