import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import { promisify } from "node:util";
import { cacheDirectory } from "../../components/storage/fileDigestCache";
import type { TorchServeRelease } from "../../components/torchserve/images";
import { systemPython } from "./dependencies";

const run = promisify(execFile);
const PIP_TIMEOUT_MILLISECONDS = 5 * 60 * 1000;

/**
 * A virtual environment with one release of TorchServe above the system's torch; built once into the cache.
 * Returns its Python. Nothing in it may be run by another name: the scripts in `bin/` have the path at which they were built.
 */
export async function pythonEnvironment(release: TorchServeRelease): Promise<string> {
    const system = systemPython();
    if (system === undefined) {
        throw new Error("There is no Python with torch; run `npm test -- --with-deps`.");
    }
    const requirements = [`torchserve==${release}`, "PyYAML"];
    const { stdout: version } = await run(system, ["--version"]);
    const key = createHash("sha256")
        .update(JSON.stringify([system, version, requirements]))
        .digest("hex")
        .slice(0, 12);
    const directory = join(cacheDirectory(), "venvs", `torchserve-${release}-${key}`);
    if (!existsSync(directory)) {
        await build(directory, system, requirements);
    }
    return join(directory, "bin", "python");
}

/** Builds beside the final place and moves it there, so that an interrupted build is never taken for a whole one. */
async function build(directory: string, system: string, requirements: readonly string[]): Promise<void> {
    await mkdir(dirname(directory), { recursive: true });
    const building = await mkdtemp(`${directory}.building-`);
    try {
        console.log(`Making the Python environment ${basename(directory)} (about 70 MB, kept in ${dirname(directory)})`);
        await run(system, ["-m", "venv", "--system-site-packages", building]);
        const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:"];
        await run(join(building, "bin", "python"), [...pip, ...requirements], { timeout: PIP_TIMEOUT_MILLISECONDS });
        await rename(building, directory);
    } catch (error) {
        await rm(building, { recursive: true, force: true });
        // Another process has built the same in the meantime: that one is as good.
        if (!existsSync(directory)) {
            throw error;
        }
    }
}
