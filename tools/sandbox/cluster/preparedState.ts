import { constants, cpSync, existsSync, mkdirSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import type { Programs } from "./builtServers";
import { ControlPlane } from "./controlPlane";
import { ensureCredentials } from "./credentials";
import { foundation } from "./desiredObjects";
import { installFoundation } from "./installation";
import type { Manifests } from "./manifests";
import { canListen, choosePorts } from "./ports";
import { storageServers } from "./servers";
import { stateFolder } from "./stateFolder";
import { apiServerReady, startStorage } from "./storage";

/**
 * Makes the etcd data that a new cluster starts from: an API server that has stored the foundation, ended cleanly. The API server
 * computes some ten seconds over KServe's and Knative's schemas when they are new to it, and not when it finds them stored; nothing
 * in there is a secret or differs from cluster to cluster.
 * @param target the folder to make, whole or not at all
 */
export async function prepareState(
    programs: Programs,
    manifests: Manifests,
    target: string,
    signal: AbortSignal | undefined,
): Promise<void> {
    const folder = stateFolder(`${target}.unfinished`);
    const plane = new ControlPlane(folder, signal);
    // Of a build that was killed here.
    await plane.stop();
    rmSync(folder.root, { recursive: true, force: true });
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
    try {
        const { token } = ensureCredentials(folder);
        const ports = await choosePorts({}, canListen);
        const servers = storageServers(folder, ports, programs);
        const { api } = await startStorage(plane, folder, servers, { ports, token });
        try {
            await apiServerReady(plane, servers, api);
            await installFoundation(api, foundation(manifests), []);
        } finally {
            api.close();
        }
    } finally {
        await plane.stop();
    }
    // Space for the next log file, which etcd makes again.
    const logs = join(folder.etcd, "member", "wal");
    for (const name of readdirSync(logs).filter(each => each.endsWith(".tmp"))) {
        rmSync(join(logs, name));
    }
    renameSync(folder.etcd, target);
    rmSync(folder.root, { recursive: true });
}

/** Gives a new cluster the prepared data; a cluster that has data of its own keeps it. */
export function usePreparedState(prepared: string, etcd: string): void {
    if (existsSync(etcd)) {
        return;
    }
    const unfinished = `${etcd}.new`;
    rmSync(unfinished, { recursive: true, force: true });
    cpSync(prepared, unfinished, { recursive: true, mode: constants.COPYFILE_FICLONE });
    renameSync(unfinished, etcd);
}
