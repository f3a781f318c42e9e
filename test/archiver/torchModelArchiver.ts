import { execFile, spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../components/storage/fileDigestCache";

const run = promisify(execFile);
const INSTALL_TIMEOUT_MILLISECONDS = 5 * 60 * 1000;

/** The releases that made the archives which are in use: those of the images that we support. */
export const ARCHIVER_RELEASES = ["0.12.0", "0.9.0"] as const;
export type ArchiverRelease = (typeof ARCHIVER_RELEASES)[number];

/** Why the archiver cannot be installed here; `undefined` when it can. */
export function withoutArchiver(): string | undefined {
    if (spawnSync("python3", ["-c", "import venv, ensurepip"]).status !== 0) {
        return "there is no python3 with venv on PATH (on Debian: python3-venv)";
    }
    return undefined;
}

/** The real torch-model-archiver, in a virtual environment that is built once into the cache. Returns its Python. */
export async function installArchiver(release: ArchiverRelease): Promise<string> {
    const { stdout } = await run("python3", ["-c", "import platform; print(platform.python_version())"]);
    const directory = join(cacheDirectory(), "venvs", `torch-model-archiver-${release}-python-${stdout.trim()}`);
    if (!existsSync(directory)) {
        // Built aside and moved, so that an interrupted installation is never taken for a whole one.
        await mkdir(dirname(directory), { recursive: true });
        const aside = await mkdtemp(`${directory}.new-`);
        try {
            await run("python3", ["-m", "venv", aside]);
            const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", `torch-model-archiver==${release}`];
            await run(join(aside, "bin", "python"), pip, { timeout: INSTALL_TIMEOUT_MILLISECONDS });
            await rename(aside, directory);
        } catch (error) {
            await rm(aside, { recursive: true, force: true });
            if (!existsSync(directory)) {
                throw error;
            }
        }
    }
    return join(directory, "bin", "python");
}

/** What making an archive took. */
export interface PackagingRun {
    readonly seconds: number;
    /** Of all threads: what a busy machine does not change. */
    readonly cpuSeconds: number;
    readonly memoryMebibytes: number;
}

/**
 * Runs the archiver with its own arguments. It works in a folder of its own, because the archiver begins by deleting
 * `TMPDIR/MODEL_NAME`, whatever that is.
 */
export async function runArchiver(python: string, args: readonly string[]): Promise<PackagingRun> {
    const folder = await mkdtemp(join(tmpdir(), "torch-model-archiver-"));
    try {
        const started = performance.now();
        const { stdout } = await run(python, ["-c", PROGRAM, ...args], { env: { ...process.env, TMPDIR: folder } });
        return { ...JSON.parse(stdout), seconds: (performance.now() - started) / 1000 };
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

// The console script's own call, and then what it took; no memory where the system does not say (proc(5)).
const PROGRAM = `
import json, os, re, time
from model_archiver.model_packaging import generate_model_archive
generate_model_archive()
status = open("/proc/self/status").read() if os.path.exists("/proc/self/status") else ""
kibibytes = int((re.findall(r"VmHWM:\\s*(\\d+)", status) or [0])[0])
print(json.dumps({"cpuSeconds": time.process_time(), "memoryMebibytes": kibibytes / 1024}))
`;
