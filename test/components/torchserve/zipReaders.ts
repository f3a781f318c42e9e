import { execFileSync, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { openPromise } from "yauzl";

/** What a reader finds in a zip: names and the content's sha256. */
export type ZipContent = Readonly<Record<string, string>>;

export const sha256 = (content: Buffer | string) => createHash("sha256").update(content).digest("hex");

export async function readWithYauzl(file: string): Promise<ZipContent> {
    const content: Record<string, string> = {};
    const zip = await openPromise(file, { autoClose: false, strictFileNames: true });
    try {
        for await (const entry of zip.eachEntry()) {
            content[entry.fileName] = sha256(await buffer(await zip.openReadStreamPromise(entry)));
        }
    } finally {
        zip.close();
    }
    return content;
}

/** Python's zipfile, which checks sizes and CRC of both headers. */
export function readWithPython(...files: string[]): ZipContent[] {
    return JSON.parse(execFileSync("python3", ["-c", PYTHON, ...files], { encoding: "utf8" }));
}

const PYTHON = `
import hashlib, json, sys, zipfile
def read(path):
    with zipfile.ZipFile(path) as z:
        return {name: hashlib.sha256(z.read(name)).hexdigest() for name in z.namelist()}
print(json.dumps([read(path) for path in sys.argv[1:]]))
`;

/** Java's ZipInputStream, by which TorchServe unpacks archives: reads from front to back, by the local headers alone. */
export function readWithJava(...files: string[]): ZipContent[] {
    const output = java(...files);
    return files.map(file => Object.fromEntries(output.filter(line => line.file === file).map(line => [line.name, line.sha256])));
}

/** Name and size of each file's first entry, as Java reads them from the header in front of it. */
export function firstSizesFromJava(...files: string[]): [string, number][] {
    return java("--headers", ...files).map(line => [line.name, line.size]);
}

function java(...args: string[]): { file: string; name: string; size: number; sha256: string }[] {
    const output = execFileSync(
        "java",
        ["-Dstdout.encoding=UTF-8", "-Xmx64m", "-XX:TieredStopAtLevel=1", join(__dirname, "ZipStream.java"), ...args],
        {
            encoding: "utf8",
        },
    );
    return output
        .split("\n")
        .filter(line => line !== "")
        .map(line => {
            const [file = "", name = "", size, sha256 = ""] = line.split("\t").map(field => Buffer.from(field, "base64").toString());
            return { file, name, size: Number(size), sha256 };
        });
}

/** Why a reader cannot be asked here; `undefined` when it can. A runtime without the compiler cannot start a source file. */
export const withoutPython = spawnSync("python3", ["--version"]).status === 0 ? undefined : "there is no python3 on PATH";
export const withoutUnzip = spawnSync("unzip", ["-v"]).status === 0 ? undefined : "there is no unzip on PATH";
export const withoutJava = spawnSync("java", ["--list-modules"], { encoding: "utf8" }).stdout?.includes("jdk.compiler")
    ? undefined
    : "there is no Java with its compiler on PATH (on Debian: openjdk-17-jdk-headless)";
