import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { InvalidConfiguration } from "../../../components/problems";
import { BINARIES } from "./binaries";
import type { Manifests } from "./manifests";
import { defaultCache, serversFolder, sourcesKey } from "./serverSources";

/** Servers that are ready to run. From here on neither Go nor its module cache is needed. */
export interface BuiltServers {
    /** The folder of the programs. */
    readonly binaries: string;
    readonly manifests: Manifests;
    /** The etcd data that a new cluster starts from. */
    readonly prepared: string;
}

/** Where the servers of these sources are, or will be. */
export interface BuildFolder {
    readonly root: string;
    readonly binaries: string;
    readonly manifests: string;
    readonly prepared: string;
}

export function buildFolder(cacheDir: string = defaultCache()): BuildFolder {
    const root = join(cacheDir, "sandbox", sourcesKey(serversFolder(), `${process.platform}-${process.arch}`));
    return { root, binaries: join(root, "bin"), manifests: join(root, "manifests.json"), prepared: join(root, "etcd") };
}

/** What of a build is missing; a file that is there is whole. */
export function missingParts(folder: BuildFolder): string[] {
    const programs = BINARIES.map(binary => binary.name).filter(name => !existsSync(join(folder.binaries, name)));
    return [...programs, ...(existsSync(folder.manifests) ? [] : ["manifests"]), ...(existsSync(folder.prepared) ? [] : ["state"])];
}

export function builtServers(cacheDir?: string): BuiltServers {
    const folder = buildFolder(cacheDir);
    const missing = missingParts(folder);
    if (missing.length > 0) {
        throw new InvalidConfiguration([
            {
                path: "sandbox servers",
                found: `${missing.join(", ")} missing in ${folder.root}`,
                allowed: "a whole build",
                remedy: "build the servers first; `kst sandbox up` does",
            },
        ]);
    }
    // Written by the build, in one go, from what it read with the same types.
    return {
        binaries: folder.binaries,
        manifests: JSON.parse(readFileSync(folder.manifests, "utf8")) as Manifests,
        prepared: folder.prepared,
    };
}
