import { spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { recordingHandler } from "../test/program/recordingHandler";
import { pulumiScript } from "../tools/sandbox/deploy/childProcess";
import { Monitor } from "../tools/sandbox/deploy/monitor";
import { readProject } from "../tools/sandbox/deploy/stackFiles";

const ROUNDS = 9;

/** The least that a program with a bucket and a Kubernetes object can be: what ours is compared with. */
const MINIMAL_PROGRAM = `
const { Provider: GoogleCloud } = require("@pulumi/gcp/provider");
const { Bucket } = require("@pulumi/gcp/storage/bucket");
const { ConfigMap } = require("@pulumi/kubernetes/core/v1/configMap");
const { Provider: Kubernetes } = require("@pulumi/kubernetes/provider");
const google = new GoogleCloud("google", { project: "sandbox" });
const kubernetes = new Kubernetes("cluster", { context: "sandbox" });
exports.bucketName = new Bucket("models", { location: "US" }, { provider: google }).name;
new ConfigMap("config", { metadata: { name: "config", namespace: "models" }, data: { a: "b" } }, { provider: kubernetes });
`;

interface Run {
    readonly seconds: number;
    readonly memoryMebibytes: number;
}

/** Prints what a preview of our program costs in the program's own process, beside the least program in the same run. */
export async function main(): Promise<void> {
    const root = join(__dirname, "../..");
    const folder = mkdtempSync(join(tmpdir(), "startup-"));
    try {
        const contestants = [
            { name: "bucket and ConfigMap", project: minimalProject(root, folder), runs: [] as Run[] },
            { name: "index.ts, sandbox stack", project: readProject(root, join(root, "Pulumi.sandbox.yaml")), runs: [] as Run[] },
        ];
        for (let round = 0; round <= ROUNDS; round++) {
            for (const { project, runs } of contestants) {
                const run = await preview(project, folder);
                // The first round fills the page cache.
                if (round > 0) {
                    runs.push(run);
                }
            }
        }
        const [least] = contestants.map(({ runs }) => middle(runs));
        for (const { name, runs } of contestants) {
            const { seconds, memoryMebibytes } = middle(runs);
            const ratio = (own: number, other: number | undefined) => (own / (other ?? own)).toFixed(2);
            console.log(
                `${name.padEnd(26)} ${seconds.toFixed(2)} s (× ${ratio(seconds, least?.seconds)})   ` +
                    `${memoryMebibytes.toFixed(0)} MiB (× ${ratio(memoryMebibytes, least?.memoryMebibytes)})`,
            );
        }
    } finally {
        rmSync(folder, { recursive: true });
    }
}

function minimalProject(root: string, folder: string): ReturnType<typeof readProject> {
    const project = join(folder, "minimal");
    mkdirSync(project);
    writeFileSync(
        join(project, "Pulumi.yaml"),
        "name: minimal\nmain: index.js\nruntime: { name: nodejs, options: { typescript: false } }\n",
    );
    writeFileSync(join(project, "index.js"), MINIMAL_PROGRAM);
    symlinkSync(join(root, "node_modules"), join(project, "node_modules"));
    return readProject(project, undefined);
}

async function preview(project: ReturnType<typeof readProject>, folder: string): Promise<Run> {
    const monitor = await Monitor.start({
        project: project.name,
        stack: "sandbox",
        organization: "bench",
        dryRun: true,
        handler: recordingHandler(() => undefined),
    });
    // A process tells its own peak at its end; the system keeps it for it.
    const peak = join(folder, "peak");
    const preload = join(folder, "preload.cjs");
    writeFileSync(
        preload,
        `process.on("exit", () => require("fs").writeFileSync(${JSON.stringify(peak)}, String(process.resourceUsage().maxRSS)));`,
    );
    const started = performance.now();
    const args = ["--monitor", monitor.address, "--engine", monitor.address, "--project", project.name, "--stack", "sandbox"];
    const child = spawn(
        process.execPath,
        [
            ...["--require", preload, pulumiScript(project.pwd, "cmd/run"), ...args, "--organization", "bench", "--parallel", "16"],
            ...["--pwd", project.pwd, "--root-directory", project.root, "--dry-run", project.program],
        ],
        {
            stdio: ["ignore", "ignore", "inherit"],
            env: { ...process.env, PULUMI_CONFIG: JSON.stringify(project.config), PULUMI_NODEJS_TYPESCRIPT: "false" },
        },
    );
    const status = await new Promise<number | null>(resolve => child.on("close", resolve));
    const seconds = (performance.now() - started) / 1000;
    await monitor.stop();
    if (status !== 0) {
        throw new Error(`the program ended with ${status}: ${monitor.logs.map(log => log.message).join("; ")}`);
    }
    return { seconds, memoryMebibytes: Number(readFileSync(peak, "utf8")) / 1024 };
}

function middle(runs: readonly Run[]): Run {
    const median = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
    return { seconds: median(runs.map(run => run.seconds)), memoryMebibytes: median(runs.map(run => run.memoryMebibytes)) };
}
