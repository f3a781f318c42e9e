import { execFile, spawn } from "node:child_process";
import { existsSync, mkdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../../components/storage/fileDigestCache";
import { BINARIES, type Binary } from "./binaries";
import { type BuildFolder, buildFolder, builtManifests, missingParts, missingPrograms } from "./builtServers";
import { writeWhole } from "./credentials";
import { exclusively } from "./exclusive";
import { goFor } from "./goToolchain";
import { readManifests, SOURCE_MODULES, type SourceModule } from "./manifests";
import { prepareState } from "./preparedState";
import { serversFolder } from "./serverSources";

export interface BuildOptions {
    /**
     * Where built servers are kept.
     * @default the user's cache folder
     */
    readonly cacheDir?: string;
    /** Takes a line for the user. */
    readonly onLine?: (line: string) => void;
    readonly signal?: AbortSignal;
}

/**
 * Builds the servers that are missing, from their pinned Go modules. Each is there whole or not at all, so a build that was ended in
 * whatever way goes on at the one that is missing.
 */
export async function buildServers(options: BuildOptions = {}): Promise<void> {
    const folder = buildFolder(options.cacheDir);
    if (missingParts(folder).length === 0) {
        return;
    }
    const servers = serversFolder();
    const go = await goFor(servers, options.cacheDir ?? cacheDirectory());
    const say = options.onLine ?? (() => {});
    await exclusively(`build ${folder.root}`, () => build({ folder, servers, go, say, signal: options.signal }), {
        ...(options.signal === undefined ? {} : { signal: options.signal }),
        onWait: () => say("waiting for another build of the sandbox's servers to end"),
    });
}

interface Build {
    readonly folder: BuildFolder;
    readonly servers: string;
    /** The Go to build with. */
    readonly go: string;
    readonly say: (line: string) => void;
    readonly signal: AbortSignal | undefined;
}

async function build({ folder, servers, go, say, signal }: Build): Promise<void> {
    mkdirSync(folder.root, { recursive: true });
    const missing = missingPrograms(folder);
    if (missing.length > 0) {
        say(
            `building ${missing.length} of ${BINARIES.length} sandbox servers, once, into ${folder.root}: about 12 minutes for all of them ` +
                "on two cores where Go has compiled nothing of them yet, 0.8 GB there and about 10 GB in Go's own caches",
        );
    }
    for (const [index, binary] of BINARIES.entries()) {
        if (missing.includes(binary.name)) {
            const since = performance.now();
            await compile(go, binary, folder.programs[binary.name], join(servers, binary.module), signal);
            say(`${index + 1}/${BINARIES.length} ${binary.name} (${Math.round((performance.now() - since) / 1000)} s)`);
        }
    }
    const manifests = builtManifests(folder) ?? readManifests(await sourceFolders(go, servers));
    if (!existsSync(folder.manifests)) {
        writeWhole(folder.manifests, JSON.stringify(manifests));
        say("manifests of Knative, KServe and KWOK");
    }
    if (!existsSync(folder.prepared(manifests))) {
        const since = performance.now();
        await prepareState(folder.programs, manifests, folder.prepared(manifests), signal);
        say(`first state of a cluster (${Math.round((performance.now() - since) / 1000)} s)`);
    }
}

async function compile(go: string, binary: Binary, program: string, module: string, signal: AbortSignal | undefined): Promise<void> {
    const unfinished = `${program}.new`;
    rmSync(unfinished, { force: true });
    const flags = ["-trimpath", "-buildvcs=false", `-ldflags=-s -w ${binary.linkerFlags ?? ""}`, "-o", unfinished];
    await runGo(go, ["build", ...flags, binary.package], module, signal);
    renameSync(unfinished, program);
}

/** Runs Go. What it says is for the error alone: without one it only tells what it downloads. */
function runGo(go: string, args: readonly string[], module: string, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
        const child = spawn(go, args, {
            cwd: module,
            stdio: ["ignore", "ignore", "pipe"],
            // Without C: the programs then run on any Linux, and no compiler for it has to be installed.
            env: { ...process.env, CGO_ENABLED: "0", GOFLAGS: "-mod=readonly", GOWORK: "off" },
            ...(signal === undefined ? {} : { signal }),
        });
        let said = "";
        child.stderr.on("data", (text: Buffer) => {
            said = (said + text.toString()).slice(-4000);
        });
        child.on("error", reject);
        child.on("close", code => (code === 0 ? resolve() : reject(new Error(`go ${args.join(" ")} in ${module} failed:\n${said}`))));
    });
}

async function sourceFolders(go: string, servers: string): Promise<Record<SourceModule, string>> {
    const found = new Map<string, string>();
    for (const [name, source] of Object.entries(SOURCE_MODULES)) {
        // Not `go list`, which gives no folder for a module that Go's cache has lost since the programs were compiled.
        const { stdout } = await promisify(execFile)(go, ["mod", "download", "-json", source.path], {
            cwd: join(servers, source.module),
        });
        found.set(name, (JSON.parse(stdout) as { readonly Dir: string }).Dir);
    }
    // The loop above has set every name.
    return Object.fromEntries(found) as Record<SourceModule, string>;
}
