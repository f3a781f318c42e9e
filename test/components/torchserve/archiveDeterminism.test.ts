import { chmodSync, cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { type ArchiveRun, streamInProcess, transpileArchiveProgram } from "./archiveProcess";

const folder = mkdtempSync(join(tmpdir(), "archive-determinism-"));
let program: string;
let original: Awaited<ReturnType<typeof streamInProcess>>;

const FILES = ["handler.py", "model.py", "weights.pt", "labels.json", "ä.txt"];

const archiveOf = (source: string) => ({
    modelName: "digits",
    handler: join(source, "handler.py"),
    modelFile: join(source, "model.py"),
    serializedFile: join(source, "weights.pt"),
    extraFiles: [join(source, "labels.json"), join(source, "extra")],
    configFile: join(source, "model-config.yaml"),
});

function writeSources(source: string, names: readonly string[]): string {
    mkdirSync(join(source, "extra", "vocabulary"), { recursive: true });
    writeFileSync(join(source, "model-config.yaml"), "minWorkers: 1\n");
    for (const name of names) {
        writeFileSync(join(source, name), `content of ${name.normalize()}`);
        writeFileSync(join(source, "extra", `${name}.extra`), `more of ${name.normalize()}`);
        writeFileSync(join(source, "extra", "vocabulary", name), `words of ${name.normalize()}`);
    }
    return source;
}

// A cache for each run, since the digests are what is compared.
const digest = (run: Omit<ArchiveRun, "cache">) => streamInProcess(program, { ...run, cache: mkdtempSync(join(folder, "cache-")) });

beforeAll(async () => {
    program = transpileArchiveProgram();
    original = await digest({ args: archiveOf(writeSources(join(folder, "original"), FILES)) });
});
afterAll(() => {
    rmSync(folder, { recursive: true });
    rmSync(program, { recursive: true });
});

it.each<[string, () => Omit<ArchiveRun, "cache">]>([
    ["in another time zone", () => ({ args: archiveOf(join(folder, "original")), environment: { TZ: "Pacific/Kiritimati" } })],
    ["under another umask", () => ({ args: archiveOf(writeSources(join(folder, "umask"), FILES)), umask: "077" })],
    [
        "in another locale",
        () => ({ args: archiveOf(join(folder, "original")), environment: { LC_ALL: "sv_SE.UTF-8", LANG: "sv_SE.UTF-8" } }),
    ],
    [
        "in another directory, by relative paths",
        () => ({ args: archiveOf("."), directory: writeSources(join(folder, "elsewhere"), FILES) }),
    ],
    ["from files that were made in another order", () => ({ args: archiveOf(writeSources(join(folder, "order"), FILES.toReversed())) })],
    [
        "from files of other times and modes",
        () => {
            const source = join(folder, "copied");
            cpSync(join(folder, "original"), source, { recursive: true });
            for (const name of readdirSync(source)) {
                utimesSync(join(source, name), 1e9, 1e9);
                chmodSync(join(source, name), 0o700);
            }
            return { args: archiveOf(source) };
        },
    ],
    [
        "from names that the file system keeps decomposed",
        () => ({
            args: archiveOf(
                writeSources(
                    join(folder, "mac"),
                    FILES.map(name => name.normalize("NFD")),
                ),
            ),
        }),
    ],
])("an archive is the same, byte for byte, %s", async (_case, run) => {
    const { args, ...rest } = run();
    const { digest: found, bytes, size } = await digest({ args, ...rest });
    expect({ digest: found, bytes, size }).toEqual({ digest: original.digest, bytes: original.bytes, size: original.size });
});
