import { createHash, randomUUID } from "node:crypto";
import { mkdir, readdir, readFile, rename, stat, unlink, utimes, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import type { FileDigest } from "./fileDigest";

/** Where we keep what can be made again: `KST_CACHE_DIR`, or the place that the XDG base directory specification gives. */
export function cacheDirectory(environment: NodeJS.ProcessEnv = process.env): string {
    return environment.KST_CACHE_DIR || join(environment.XDG_CACHE_HOME || join(homedir(), ".cache"), "kserve-torchserve");
}

interface Entry extends FileDigest {
    /** Of the rest: only a whole entry of ours has the right one. */
    readonly check: string;
}

const HOUR_MILLISECONDS = 60 * 60 * 1000;
const DAY_MILLISECONDS = 24 * HOUR_MILLISECONDS;

/**
 * Digests of files that have been read before, kept from run to run, one small file for each path. The cache never fails: what cannot
 * be read or written is as if it were not there.
 */
export class DigestCache {
    private pruned = false;

    constructor(
        readonly directory: string = join(cacheDirectory(), "digests"),
        private readonly limits = { entries: 10_000, ageMilliseconds: 90 * DAY_MILLISECONDS },
    ) {}

    async get(path: string, stamp: string): Promise<FileDigest | undefined> {
        const location = this.locate(path);
        try {
            const { check, ...digest } = JSON.parse(await readFile(location, "utf8")) as Entry;
            if (digest.stamp !== stamp || check !== checkOf(digest)) {
                return undefined;
            }
            await keepFromPruning(location);
            return digest;
        } catch {
            return undefined;
        }
    }

    async put(path: string, digest: FileDigest): Promise<void> {
        // Written aside and renamed: whoever reads, or is killed, sees a whole entry or none.
        const aside = join(this.directory, `${randomUUID()}.new`);
        try {
            await mkdir(this.directory, { recursive: true, mode: 0o700 });
            await writeFile(aside, JSON.stringify({ ...digest, check: checkOf(digest) }));
            await rename(aside, this.locate(path));
            await this.prune();
        } catch {
            await unlink(aside).catch(() => undefined);
        }
    }

    private locate(path: string): string {
        return join(this.directory, `${createHash("sha256").update(resolve(path)).digest("hex").slice(0, 40)}.json`);
    }

    /** Once a process: what was not used for long goes, then what is too much, and what killed processes left. */
    private async prune(): Promise<void> {
        if (this.pruned) {
            return;
        }
        this.pruned = true;
        const now = Date.now();
        const files = await Promise.all(
            (await readdir(this.directory)).map(async name => {
                const path = join(this.directory, name);
                const age = now - (await stat(path).catch(() => ({ mtimeMs: now }))).mtimeMs;
                return { path, age, isEntry: name.endsWith(".json") };
            }),
        );
        const entries = files.filter(file => file.isEntry).toSorted((a, b) => a.age - b.age);
        const stale = [
            ...entries.filter((file, index) => file.age > this.limits.ageMilliseconds || index >= this.limits.entries),
            ...files.filter(file => !file.isEntry && file.age > HOUR_MILLISECONDS),
        ];
        await Promise.all(stale.map(file => unlink(file.path).catch(() => undefined)));
    }
}

/** Guards against a damaged entry; a wrong CRC would otherwise end in an archive that nothing can unpack. */
function checkOf({ stamp, size, crc32, sha256 }: FileDigest): string {
    return createHash("sha256").update([stamp, size, crc32, sha256].join("\n")).digest("hex").slice(0, 16);
}

async function keepFromPruning(location: string): Promise<void> {
    const { mtimeMs } = await stat(location);
    const now = new Date();
    if (now.getTime() - mtimeMs > DAY_MILLISECONDS) {
        await utimes(location, now, now).catch(() => undefined);
    }
}
