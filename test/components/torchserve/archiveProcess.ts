import { type ChildProcess, execFile, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { promisify } from "node:util";
import { ModuleKind, ScriptTarget, transpileModule } from "typescript";
import type { ModelArchiveArgs } from "../../../components/torchserve/archive";
import type { ArchiveReport } from "./archiveProgram";

const ROOT = resolve(__dirname, "../../..");
const PROGRAM = "test/components/torchserve/archiveProgram";
const PEAK_MEMORY = "test/components/torchserve/peakMemory";

/** The archive's code, transpiled so that a plain Node process can run it. Returns the folder, which the caller removes. */
export function transpileArchiveProgram(): string {
    const folder = mkdtempSync(join(tmpdir(), "archive-program-"));
    const sources = ["components", "components/storage", "components/torchserve"].flatMap(directory =>
        readdirSync(join(ROOT, directory))
            .filter(name => name.endsWith(".ts"))
            .map(name => join(directory, name)),
    );
    for (const source of [...sources, `${PROGRAM}.ts`, `${PEAK_MEMORY}.ts`]) {
        const target = join(folder, source.replace(/\.ts$/, ".js"));
        mkdirSync(dirname(target), { recursive: true });
        const compilerOptions = { module: ModuleKind.CommonJS, target: ScriptTarget.ES2023 };
        writeFileSync(target, transpileModule(readFileSync(join(ROOT, source), "utf8"), { compilerOptions }).outputText);
    }
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    return folder;
}

export interface ArchiveRun {
    readonly args: ModelArchiveArgs;
    /** Where digests are kept. */
    readonly cache: string;
    readonly environment?: Readonly<Record<string, string>>;
    /** As a shell takes it. */
    readonly umask?: string;
    readonly directory?: string;
}

/** Streams the archive in a process of its own. */
export async function streamInProcess(program: string, run: ArchiveRun): Promise<ArchiveReport> {
    const node = [process.execPath, join(program, `${PROGRAM}.js`), "stream", JSON.stringify(run.args), run.cache];
    const { stdout } = await promisify(execFile)("sh", ["-c", `umask ${run.umask ?? "022"}; exec "$@"`, "sh", ...node], {
        env: { ...process.env, ...run.environment },
        cwd: run.directory,
    });
    return JSON.parse(stdout);
}

/** Starts to write the archive into a file. */
export function startWriting(program: string, { args, cache }: ArchiveRun, target: string): ChildProcess {
    return spawn(process.execPath, [join(program, `${PROGRAM}.js`), "write", JSON.stringify(args), cache, target], { stdio: "ignore" });
}
