import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, describe, expect, it } from "vitest";
import { clusterStatus, resetCluster } from "../../tools/sandbox/cluster/cluster";
import { SANDBOX_CONTEXT } from "../../tools/sandbox/cluster/kubeconfig";
import { stateFolder } from "../../tools/sandbox/cluster/stateFolder";
import { serviceReports } from "../../tools/sandbox/services";
import { PROJECT } from "./sandbox";

const MINUTES = 60_000;
const stateDir = mkdtempSync(join(tmpdir(), "kst-interrupted-"));

interface Run {
    readonly status: number | null;
    readonly output: string;
}

/** `kst sandbox up`, and a shot at it and all that it has started as soon as it prints what the pattern matches. */
async function up(killAt?: RegExp): Promise<Run> {
    const child = spawn(process.execPath, [join(PROJECT, "bin/kst.js"), "sandbox", "up", "--project", PROJECT, "--state", stateDir], {
        // A group of its own, to be shot as one: the servers are in others.
        detached: true,
        stdio: ["ignore", "pipe", "pipe"],
        env: { ...process.env, PATH: withoutEngine() },
    });
    const lines: string[] = [];
    for (const stream of [child.stdout, child.stderr]) {
        createInterface({ input: stream }).on("line", line => {
            lines.push(line);
            if (killAt?.test(line)) {
                shoot(child);
            }
        });
    }
    const status = await new Promise<number | null>(resolve => child.on("close", resolve));
    return { status, output: lines.join("\n") };
}

function shoot(child: ChildProcess): void {
    try {
        process.kill(-(child.pid ?? 0), "SIGKILL");
    } catch {
        // It has ended by itself meanwhile, and the expectation on its status says so.
    }
}

/** The sandbox's own deployer is what is shot at here. */
const withoutEngine = () =>
    (process.env.PATH ?? "")
        .split(":")
        .filter(folder => !/pulumi/.test(folder))
        .join(":");

describe("kst sandbox up, killed -9", () => {
    afterAll(async () => {
        await resetCluster({ stateDir });
        rmSync(stateDir, { recursive: true, force: true });
    }, MINUTES);

    it.each([
        ["when the cluster has begun to start", / API server$/],
        ["when the cluster runs and the plan begins", /cluster runs$/],
        ["in the middle of the apply", /created .*Bucket /],
        ["when the service is made and not yet ready", /created .*InferenceService /],
    ])(
        "%s, leaves what the next run goes on from",
        async (_, killAt) => {
            expect((await up(killAt)).status).toBeNull();
        },
        3 * MINUTES,
    );

    it(
        "converges at the next run, and then changes nothing",
        async () => {
            const { status, output } = await up();
            expect(output).toContain("digits: ready, as KServe reports it");
            expect(status).toBe(0);
            expect((await up()).output).toContain("0 created, 0 updated, 0 removed");
            const services = await serviceReports(stateFolder(stateDir).kubeconfig, SANDBOX_CONTEXT);
            expect(services.digits).toMatchObject({ ready: true, revisions: ["digits-predictor-00001"] });
        },
        3 * MINUTES,
    );

    it.each(["kube-apiserver", "etcd", "objectstore", "kserve-manager"])(
        "repairs %s that was killed",
        async name => {
            const server = clusterStatus({ stateDir }).find(found => found.name === name);
            process.kill(server?.pid ?? 0, "SIGKILL");
            const { status, output } = await up();
            expect(output).toContain("digits: ready, as KServe reports it");
            expect(status).toBe(0);
        },
        3 * MINUTES,
    );
});
