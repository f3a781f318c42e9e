import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildFolder, missingParts } from "../../../tools/sandbox/cluster/builtServers";
import { clusterStatus, type RunningCluster, resetCluster, upCluster } from "../../../tools/sandbox/cluster/cluster";
import { collectionPath, type KubeAnswer, KubeApi, type KubeObject } from "../../../tools/sandbox/cluster/kubeApi";
import { stateFolder } from "../../../tools/sandbox/cluster/stateFolder";
import { waitFor } from "../../../tools/sandbox/cluster/waiting";

/** Why there can be no cluster here, or nothing. */
export const missingServers = missingParts(buildFolder()).join(", ");

/** A cluster of a test's own. */
export class TestCluster {
    private readonly parent = mkdtempSync(join(tmpdir(), "kst-cluster-"));
    readonly stateDir = join(this.parent, "state");

    up(): Promise<RunningCluster> {
        return upCluster({ stateDir: this.stateDir });
    }

    async remove(): Promise<void> {
        await resetCluster({ stateDir: this.stateDir });
        rmSync(this.parent, { recursive: true });
    }

    /** The process of each server that runs. */
    processes(): Record<string, number> {
        return Object.fromEntries(
            clusterStatus({ stateDir: this.stateDir }).flatMap(({ name, pid }) => (pid === undefined ? [] : [[name, pid]])),
        );
    }

    /** Ends a server as a crash would, and returns when it is gone. */
    async kill(server: string): Promise<void> {
        const pid = this.processes()[server];
        if (pid === undefined) {
            throw new Error(`${server} does not run`);
        }
        process.kill(pid, "SIGKILL");
        await waitFor(() => (this.processes()[server] === pid ? undefined : true), {
            seconds: 10,
            failure: () => new Error(`${server} survived`),
        });
    }

    /** Addresses that the cluster's processes listen on. */
    listening(): string[] {
        const inodes = new Set(
            Object.values(this.processes()).flatMap(pid =>
                execFileSync("find", [`/proc/${pid}/fd`, "-lname", "socket:*", "-printf", "%l\n"], { encoding: "utf8" })
                    .split("\n")
                    .map(link => /\d+/.exec(link)?.[0]),
            ),
        );
        // The kernel's own table: local address in the second column, state 0A for listening, inode in the tenth (proc_net(5)).
        return ["/proc/net/tcp", "/proc/net/tcp6", "/proc/net/udp", "/proc/net/udp6"].flatMap(table =>
            readFileSync(table, "utf8")
                .split("\n")
                .slice(1)
                .map(line => line.trim().split(/\s+/))
                .filter(columns => inodes.has(columns[9]) && (columns[3] === "0A" || columns[3] === "07"))
                .map(columns => columns[1] ?? ""),
        );
    }

    async ask<T>(cluster: RunningCluster, question: (api: KubeApi) => Promise<T>): Promise<T> {
        const authority = readFileSync(join(stateFolder(this.stateDir).certificates, "apiserver.crt"), "utf8");
        const api = new KubeApi(Number(new URL(cluster.apiServer).port), cluster.token, authority);
        try {
            return await question(api);
        } finally {
            api.close();
        }
    }

    create(cluster: RunningCluster, object: KubeObject): Promise<KubeAnswer> {
        return this.ask(cluster, api => api.ask("POST", collectionPath(object), object));
    }

    /** Waits until the object is as wanted; says what it last was when it does not become so. */
    async until(cluster: RunningCluster, object: KubeObject, wanted: (found: unknown) => boolean): Promise<void> {
        let last: unknown;
        await this.ask(cluster, api =>
            waitFor(
                async () => {
                    last = await api.get(`${collectionPath(object)}/${object.metadata.name}`);
                    return wanted(last) ? true : undefined;
                },
                { seconds: 90, failure: () => new Error(`${object.metadata.name} stayed ${JSON.stringify(last, undefined, 2)}`) },
            ),
        );
    }
}
