import { execFile } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { mkdir, mkdtemp, open, rm } from "node:fs/promises";
import { cpus, loadavg, tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { promisify } from "node:util";
import { digestFile } from "../components/storage/fileDigest";
import { DigestCache } from "../components/storage/fileDigestCache";
import { findArchiveFiles } from "../components/torchserve/archiveFiles";
import { archiveLayout } from "../components/torchserve/archiveLayout";
import { writeArchive } from "../components/torchserve/archiveStream";
import { installArchiver, type PackagingRun, runArchiver } from "../test/archiver/torchModelArchiver";
import { peakMemoryMebibytes } from "../test/components/torchserve/peakMemory";

const MEBIBYTE = 1024 * 1024;
/** Weights hardly compress: random bytes, in a few files as checkpoints come. */
const FILE_MEBIBYTES = [512, 256, 256];
const ROUNDS = 5;
/** The default format takes half a minute and hardly varies. */
const SLOW_ROUNDS = 1;

interface Contestant {
    readonly name: string;
    readonly rounds: number;
    run(): Promise<PackagingRun>;
}

/**
 * Packages one gibibyte in several ways and prints how long each takes against the others. All write the same files from the page
 * cache to one file system; the rounds take turns, so that a busy machine is busy for all.
 */
export async function main(): Promise<void> {
    const folder = await mkdtemp(join(tmpdir(), "packaging-"));
    try {
        const files = await writeModel(folder);
        const python = await installArchiver("0.12.0");
        const target = join(folder, "out", "benchmark.mar");
        const archiver = (format: string) => async () => {
            await rm(target, { force: true });
            return runArchiver(python, [
                ...["--model-name", "benchmark", "--version", "1.0", "--handler", "base_handler", "--export-path", join(folder, "out")],
                ...["--serialized-file", files[0] ?? "", "--extra-files", files.slice(1).join(","), "--archive-format", format],
            ]);
        };
        const ours = (task: Task, cache: string) => async () => {
            await rm(target, { force: true });
            return runTask(task, files, target, cache);
        };
        const warm = join(folder, "warm");
        const contestants: Contestant[] = [
            {
                name: "digest and archive, first time",
                rounds: ROUNDS,
                run: async () => ours("archive", await mkdtemp(join(folder, "cold-")))(),
            },
            { name: "digest and archive, files unchanged", rounds: ROUNDS, run: ours("archive", warm) },
            { name: "digest alone, first time", rounds: ROUNDS, run: async () => ours("digest", await mkdtemp(join(folder, "cold-")))() },
            { name: "digest alone, files unchanged", rounds: ROUNDS, run: ours("digest", warm) },
            { name: "sha256 and write in one pass", rounds: ROUNDS, run: ours("onePass", warm) },
            { name: "torch-model-archiver zip-store", rounds: ROUNDS, run: archiver("zip-store") },
            { name: "torch-model-archiver default", rounds: SLOW_ROUNDS, run: archiver("default") },
        ];
        // Brings the files into the page cache and their digests into the warm one.
        await ours("archive", warm)();
        const runs = new Map<Contestant, PackagingRun[]>(contestants.map(contestant => [contestant, []]));
        for (let round = 0; round < ROUNDS; round++) {
            for (const contestant of contestants.filter(({ rounds }) => round < rounds)) {
                // Otherwise each would also wait for what the one before has left to be written to disk.
                await promisify(execFile)("sync");
                runs.get(contestant)?.push(await contestant.run());
            }
        }
        print(contestants, runs);
    } finally {
        await rm(folder, { recursive: true, force: true });
    }
}

async function writeModel(folder: string): Promise<string[]> {
    await mkdir(join(folder, "out"));
    const files: string[] = [];
    for (const [index, mebibytes] of FILE_MEBIBYTES.entries()) {
        const path = join(folder, `weights-${index}.pt`);
        const file = await open(path, "w");
        for (let written = 0; written < mebibytes; written += 16) {
            await file.write(randomBytes(16 * MEBIBYTE));
        }
        await file.close();
        files.push(path);
    }
    // The cache of digests does not remember a file that was written a moment ago.
    await setTimeout(2500);
    return files;
}

type Task = "archive" | "digest" | "onePass";

/** In a process of its own, for its memory and its start, which the archiver's time has too. */
async function runTask(...args: [task: Task, files: readonly string[], target: string, cache: string]): Promise<PackagingRun> {
    const started = performance.now();
    const { stdout } = await promisify(execFile)(process.execPath, [__filename, JSON.stringify(args)]);
    return { ...JSON.parse(stdout), seconds: (performance.now() - started) / 1000 };
}

async function task(task: Task, files: readonly string[], target: string, cacheDirectory: string): Promise<void> {
    if (task === "onePass") {
        hashAndWrite(files, target);
    } else {
        const [serializedFile, ...extraFiles] = files;
        const args = { modelName: "benchmark", handler: "base_handler", serializedFile, extraFiles };
        const cache = new DigestCache(cacheDirectory);
        const { files: found } = await findArchiveFiles(args, "benchmark");
        const entries = [];
        for (const { name, source } of found) {
            entries.push({ name, ...(await digestFile(source, cache)) });
        }
        if (task === "archive") {
            await writeArchive(archiveLayout(args, entries), new Map(found.map(({ name, source }) => [name, source])), target);
        }
    }
    const { user, system } = process.cpuUsage();
    console.log(JSON.stringify({ cpuSeconds: (user + system) / 1e6, memoryMebibytes: peakMemoryMebibytes() }));
}

/**
 * The least that an archive with a digest can cost: every byte is read, hashed and written once. In calls that block, which is how it is
 * fastest when nothing else is to be done meanwhile.
 */
function hashAndWrite(files: readonly string[], target: string): void {
    const output = openSync(target, "w");
    const hash = createHash("sha256");
    const buffer = Buffer.alloc(MEBIBYTE);
    for (const path of files) {
        const input = openSync(path, "r");
        for (let bytes = readSync(input, buffer); bytes > 0; bytes = readSync(input, buffer)) {
            hash.update(buffer.subarray(0, bytes));
            writeSync(output, buffer, 0, bytes);
        }
        closeSync(input);
    }
    hash.digest();
    closeSync(output);
}

function print(contestants: readonly Contestant[], runs: ReadonlyMap<Contestant, readonly PackagingRun[]>): void {
    const table = contestants.map(contestant => {
        const all = runs.get(contestant) ?? [];
        return {
            name: contestant.name,
            seconds: median(all.map(run => run.seconds)),
            cpu: median(all.map(run => run.cpuSeconds)),
            memory: Math.max(...all.map(run => run.memoryMebibytes)),
        };
    });
    const [store = NaN, deflate = NaN] = table.slice(-2).map(({ seconds }) => seconds);
    const onePass = table.find(({ name }) => name.startsWith("sha256"))?.seconds ?? NaN;
    const columns = (cells: readonly string[]) => cells.map((cell, index) => (index === 0 ? cell.padEnd(38) : cell.padStart(13))).join("");
    console.log(
        `Packaging ${FILE_MEBIBYTES.length} files, 1 GiB, on ${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}; medians of ${ROUNDS}, the default of ${SLOW_ROUNDS}`,
    );
    console.log(columns(["", "seconds", "of one pass", "of zip-store", "default is", "CPU seconds", "MiB"]));
    for (const { name, seconds, cpu, memory } of table) {
        const ratios = [`${(seconds / onePass).toFixed(2)} x`, `${(seconds / store).toFixed(2)} x`, `${(deflate / seconds).toFixed(1)} x`];
        console.log(columns([name, seconds.toFixed(2), ...ratios, cpu.toFixed(2), memory.toFixed(0)]));
    }
}

function median(values: readonly number[]): number {
    return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? NaN;
}

if (require.main === module) {
    const [json] = process.argv.slice(2);
    const run = json === undefined ? main() : task(...(JSON.parse(json) as Parameters<typeof task>));
    run.catch(error => {
        console.error(error);
        process.exitCode = 1;
    });
}
