import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { InvalidConfiguration } from "../../../components/problems";
import { cacheDirectory } from "../../../components/storage/fileDigestCache";
import { BINARIES, type BinaryName } from "./binaries";
import { digestOf, foundation } from "./desiredObjects";
import { type Manifests, SOURCE_MODULES } from "./manifests";
import { moduleKey, serversFolder } from "./serverSources";

/** Path of each program. */
export type Programs = Readonly<Record<BinaryName, string>>;

/** Servers that are ready to run. From here on neither Go nor its module cache is needed. */
export interface BuiltServers {
    readonly programs: Programs;
    readonly manifests: Manifests;
    /** The etcd data that a new cluster starts from. */
    readonly prepared: string;
}

/**
 * Where the parts of a build are, or will be. Each has a name of its own sources, so that a change builds anew what it changes and
 * nothing else, and a part that is there is whole.
 */
export interface BuildFolder {
    readonly root: string;
    readonly programs: Programs;
    readonly manifests: string;
    prepared(manifests: Manifests): string;
}

/** Raised when the manifests are read from other files of the same modules. */
const MANIFESTS_VERSION = 1;

export function buildFolder(cacheDir: string = cacheDirectory()): BuildFolder {
    const servers = serversFolder();
    const root = join(cacheDir, "sandbox");
    const modules = new Map([...new Set(BINARIES.map(binary => binary.module))].map(module => [module, moduleKey(servers, module)]));
    const platform = `${process.platform}-${process.arch}`;
    const programs = Object.fromEntries(
        BINARIES.map(binary => [binary.name, join(root, `${binary.name}-${key(platform, modules.get(binary.module), binary)}`)]),
    ) as Programs;
    const sources = Object.values(SOURCE_MODULES).map(source => modules.get(source.module));
    return {
        root,
        programs,
        manifests: join(root, `manifests-${key(MANIFESTS_VERSION, sources)}.json`),
        prepared: manifests =>
            join(root, `state-${key(basename(programs.etcd), basename(programs["kube-apiserver"]), digestOf(foundation(manifests)))}`),
    };
}

export function missingPrograms(folder: BuildFolder): BinaryName[] {
    return BINARIES.map(binary => binary.name).filter(name => !existsSync(folder.programs[name]));
}

/** The manifests of a build, if they have been made. */
export function builtManifests(folder: BuildFolder): Manifests | undefined {
    // Written by the build from the same types, whole or not at all.
    return existsSync(folder.manifests) ? (JSON.parse(readFileSync(folder.manifests, "utf8")) as Manifests) : undefined;
}

/** What of a build is missing, in words; a part that is there is whole. */
export function missingParts(folder: BuildFolder): string[] {
    const manifests = builtManifests(folder);
    const rest = manifests === undefined ? ["manifests"] : existsSync(folder.prepared(manifests)) ? [] : ["first state"];
    return [...missingPrograms(folder), ...rest];
}

export function builtServers(cacheDir?: string): BuiltServers {
    const folder = buildFolder(cacheDir);
    const manifests = builtManifests(folder);
    const missing = missingParts(folder);
    if (manifests === undefined || missing.length > 0) {
        throw new InvalidConfiguration([
            {
                path: "sandbox servers",
                found: `without ${missing.join(", ")}`,
                allowed: "a whole build",
                remedy: "build them first; `kst sandbox up` does",
            },
        ]);
    }
    return { programs: folder.programs, manifests, prepared: folder.prepared(manifests) };
}

function key(...parts: readonly unknown[]): string {
    return createHash("sha256").update(JSON.stringify(parts)).digest("hex").slice(0, 12);
}
