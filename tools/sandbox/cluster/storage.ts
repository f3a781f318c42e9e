import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { ControlPlane } from "./controlPlane";
import { KubeApi } from "./kubeApi";
import type { Ports } from "./ports";
import type { StorageServers } from "./servers";
import type { StateFolder } from "./stateFolder";

/** Starts what keeps the state. Gives the API server, which may still be busy starting, and what it proves itself with. */
export async function startStorage(
    plane: ControlPlane,
    folder: StateFolder,
    servers: StorageServers,
    user: { readonly ports: Ports; readonly token: string },
): Promise<{ readonly api: KubeApi; readonly authority: string }> {
    await plane.ensure(servers.objectStore);
    await plane.ensure(servers.etcd);
    await plane.answering(servers.etcd);
    await plane.ensure(servers.apiServer);
    const path = join(folder.certificates, "apiserver.crt");
    const authority = await plane.until(servers.apiServer, "has not made its certificate", () => wholeCertificate(path));
    return { api: new KubeApi(user.ports.apiServer, user.token, authority), authority };
}

/** Waits until the API server takes requests. */
export async function apiServerReady(plane: ControlPlane, servers: StorageServers, api: KubeApi): Promise<void> {
    await plane.until(servers.apiServer, "has not become ready", async () => {
        try {
            return (await api.ask("GET", "/readyz")).status === 200 ? true : undefined;
        } catch {
            // It does not listen yet.
            return undefined;
        }
    });
}

function wholeCertificate(path: string): string | undefined {
    const text = existsSync(path) ? readFileSync(path, "utf8") : "";
    return text.trimEnd().endsWith("-----END CERTIFICATE-----") ? text : undefined;
}
