import { execFile } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import type { BuiltServers } from "./builtServers";
import { ControlPlane } from "./controlPlane";
import { ensureCredentials, removeOldCertificates, writeWhole } from "./credentials";
import { admission, foundation } from "./desiredObjects";
import { admits, installAdmission, installFoundation, takesPods } from "./installation";
import type { KubeApi, KubeObject } from "./kubeApi";
import { renderKubeconfig } from "./kubeconfig";
import { canListen, choosePorts, type Ports, readPorts } from "./ports";
import { usePreparedState } from "./preparedState";
import { type ControllerServers, controllerServers, storageServers } from "./servers";
import type { StateFolder } from "./stateFolder";
import { apiServerReady, startStorage } from "./storage";
import { waitFor } from "./waiting";

/** One start of a cluster, from whatever state it is found in. */
export class Start {
    private readonly plane: ControlPlane;

    /** @param ended told of each part of the start when it has ended */
    constructor(
        private readonly built: BuiltServers,
        private readonly folder: StateFolder,
        private readonly ended: (part: string) => void,
        signal: AbortSignal | undefined,
    ) {
        this.plane = new ControlPlane(folder, signal);
    }

    async run(): Promise<{ readonly ports: Ports; readonly token: string }> {
        const { folder, built, plane } = this;
        if (plane.running().length === 0) {
            removeOldCertificates(folder, Date.now());
        }
        const { token } = ensureCredentials(folder);
        const ports = await this.ports();
        usePreparedState(built.prepared, folder.etcd);
        writeWhole(folder.kwokStages, built.manifests.kwokStages);
        this.ended("state");

        const storage = storageServers(folder, ports, built.programs);
        const [certificate, { api, authority }] = await Promise.all([
            this.webhookCertificate(),
            startStorage(plane, folder, storage, { ports, token }),
        ]);
        try {
            const kubeconfig = renderKubeconfig(`https://127.0.0.1:${ports.apiServer}`, token, authority);
            writeWhole(folder.kubeconfig, kubeconfig);
            await apiServerReady(plane, storage, api);
            this.ended("API server");
            const controllers = controllerServers(folder, ports, built.programs, kubeconfig);
            await this.startControllers(api, controllers, admission(built.manifests, ports, certificate));
            await Promise.all(Object.values({ ...storage, ...controllers }).map(server => plane.answering(server)));
            await plane.until(controllers.kwok, "has not made the node ready", () => yes(takesPods(api)));
            await plane.until(controllers.kserve, "and Knative's webhook have not both admitted an object", () => yes(admits(api)));
            this.ended("controllers and admission");
        } finally {
            api.close();
        }
        return { ports, token };
    }

    private async startControllers(api: KubeApi, servers: ControllerServers, webhooks: readonly KubeObject[]): Promise<void> {
        // Only then the controllers: one that starts before its kinds exist asks for them again in ever longer intervals.
        await installFoundation(api, foundation(this.built.manifests), webhooks);
        await Promise.all(Object.values(servers).map(server => this.plane.ensure(server)));
        await installAdmission(api, webhooks);
    }

    private async ports(): Promise<Ports> {
        const { folder, built } = this;
        const remembered = readPorts(folder.ports);
        const running = new Set<string>(this.plane.running().map(server => server.name));
        // A port that this cluster's own server listens on is not taken. Which names those are does not depend on the numbers.
        const any = remembered as Ports;
        const servers = { ...storageServers(folder, any, built.programs), ...controllerServers(folder, any, built.programs, "") };
        const held = Object.values(servers)
            .filter(server => running.has(server.name))
            .flatMap(server => server.ports.map(name => remembered[name]));
        const ports = await choosePorts(remembered, async port => held.includes(port) || (await becomesFree(port)));
        writeWhole(folder.ports, JSON.stringify(ports, undefined, 4));
        return ports;
    }

    /** Gives what KServe's webhook proves itself with. */
    private async webhookCertificate(): Promise<string> {
        const path = join(this.folder.webhookCertificate, "tls.crt");
        if (!existsSync(path)) {
            const manager = this.built.programs["kserve-manager"];
            await promisify(execFile)(manager, ["-certificate-only", `-certificate-folder=${this.folder.webhookCertificate}`]);
        }
        return readFileSync(path, "utf8");
    }
}

/** A server that was killed a moment ago may hold its port still; a port that moves restarts whatever knows it. */
async function becomesFree(port: number): Promise<boolean> {
    const taken = new Error("taken");
    try {
        return await waitFor(() => yes(canListen(port)), { seconds: 1, failure: () => taken });
    } catch (error) {
        if (error === taken) {
            return false;
        }
        throw error;
    }
}

/** What `until` asks for: true, or nothing yet. */
async function yes(asked: Promise<boolean>): Promise<true | undefined> {
    return (await asked) ? true : undefined;
}
