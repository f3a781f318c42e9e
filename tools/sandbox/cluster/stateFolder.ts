import { join } from "node:path";

/** Where a cluster keeps what it must not lose: everything is below one folder, and deleting that folder deletes the cluster. */
export interface StateFolder {
    readonly root: string;
    readonly kubeconfig: string;
    /** The ports chosen at the first start. */
    readonly ports: string;
    /** What the API server proves itself with, and what it signs service accounts' tokens with. */
    readonly certificates: string;
    readonly webhookCertificate: string;
    readonly etcd: string;
    readonly objects: string;
    readonly kwokStages: string;
    readonly logs: string;
}

export function stateFolder(root: string): StateFolder {
    return {
        root,
        kubeconfig: join(root, "kubeconfig"),
        ports: join(root, "ports.json"),
        certificates: join(root, "certificates"),
        webhookCertificate: join(root, "certificates", "kserve-webhook"),
        etcd: join(root, "etcd"),
        objects: join(root, "objects"),
        kwokStages: join(root, "kwok-stages.yaml"),
        logs: join(root, "logs"),
    };
}

export function logFile(folder: StateFolder, server: string): string {
    return join(folder.logs, `${server}.log`);
}
