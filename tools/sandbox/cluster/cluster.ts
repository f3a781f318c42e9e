import { existsSync, mkdirSync, rmSync } from "node:fs";
import { resolve } from "node:path";
import { InvalidConfiguration } from "../../../components/problems";
import { BINARIES } from "./binaries";
import { builtServers } from "./builtServers";
import { ControlPlane, tailOf } from "./controlPlane";
import { exclusively } from "./exclusive";
import { SANDBOX_CONTEXT } from "./kubeconfig";
import { runningServers } from "./processes";
import { Start } from "./start";
import { logFile, type StateFolder, stateFolder } from "./stateFolder";

/** A part of starting a cluster that has ended. */
export interface Phase {
    readonly name: string;
    readonly milliseconds: number;
}

export interface UpOptions {
    /** The folder of the cluster's state; made if it is missing. */
    readonly stateDir: string;
    /**
     * Where the servers have been built.
     * @default the user's cache folder
     */
    readonly cacheDir?: string;
    readonly onPhase?: (phase: Phase) => void;
    readonly signal?: AbortSignal;
}

/** A cluster that runs: where its parts are, and what proves one to be allowed. */
export interface RunningCluster {
    readonly stateDir: string;
    /** Path of the kubeconfig. */
    readonly kubeconfig: string;
    readonly context: string;
    /** URL of the API server. */
    readonly apiServer: string;
    readonly token: string;
    /** URL of the object store. */
    readonly objectStore: string;
    /** URL of the ingress: requests to services go there, with the service's host in the Host header. */
    readonly ingress: string;
}

/**
 * Makes a cluster run: starts what does not run, installs what is not installed, and waits until admission answers. On a cluster that
 * is well it changes nothing; after any process of it was killed at any moment it repairs.
 */
export async function upCluster(options: UpOptions): Promise<RunningCluster> {
    const built = builtServers(options.cacheDir);
    const folder = stateFolder(resolve(options.stateDir));
    mkdirSync(folder.root, { recursive: true, mode: 0o700 });
    let since = performance.now();
    const ended = (name: string) => {
        const now = performance.now();
        options.onPhase?.({ name, milliseconds: Math.round(now - since) });
        since = now;
    };
    const start = new Start(built, folder, ended, options.signal);
    const { ports, token } = await alone(folder, () => start.run(), options.signal);
    return {
        stateDir: folder.root,
        kubeconfig: folder.kubeconfig,
        context: SANDBOX_CONTEXT,
        apiServer: `https://127.0.0.1:${ports.apiServer}`,
        token,
        objectStore: `http://127.0.0.1:${ports.objectStore}`,
        ingress: `http://127.0.0.1:${ports.ingress}`,
    };
}

/** Ends all servers of the cluster and keeps its state. */
export async function downCluster(options: { readonly stateDir: string; readonly signal?: AbortSignal }): Promise<void> {
    const folder = stateFolder(resolve(options.stateDir));
    await alone(folder, () => new ControlPlane(folder, options.signal).stop(), options.signal);
}

/** Ends all servers of the cluster and forgets all of it, objects and services included. */
export async function resetCluster(options: { readonly stateDir: string; readonly signal?: AbortSignal }): Promise<void> {
    const folder = stateFolder(resolve(options.stateDir));
    await alone(
        folder,
        async () => {
            await new ControlPlane(folder, options.signal).stop();
            // Only what a start has made: a folder given by mistake stays as it is.
            if (existsSync(folder.ports)) {
                rmSync(folder.root, { recursive: true });
            }
        },
        options.signal,
    );
}

export interface ServerStatus {
    readonly name: string;
    /** The process, or nothing where the server does not run. */
    readonly pid?: number;
    readonly log: string;
}

/** What of the cluster runs, without asking or changing anything. */
export function clusterStatus(options: { readonly stateDir: string }): ServerStatus[] {
    const folder = stateFolder(resolve(options.stateDir));
    const running = new Map(runningServers(folder.root).map(server => [server.name, server.pid]));
    return BINARIES.map(({ name }) => {
        const pid = running.get(name);
        return { name, ...(pid === undefined ? {} : { pid }), log: logFile(folder, name) };
    });
}

/** The end of a server's log. */
export function logsOf(options: { readonly stateDir: string; readonly server: string; readonly bytes?: number }): string {
    const names = BINARIES.map(({ name }) => name);
    const found = names.find(name => name === options.server);
    if (found === undefined) {
        throw new InvalidConfiguration([
            { path: "NAME", found: options.server, allowed: `one of ${names.join(", ")}`, remedy: "name a server of the sandbox" },
        ]);
    }
    return tailOf(logFile(stateFolder(resolve(options.stateDir)), found), options.bytes ?? 64 * 1024);
}

/** One command at a time changes a cluster; a second one waits for the first. */
function alone<T>(folder: StateFolder, work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    return exclusively(`cluster ${folder.root}`, work, signal === undefined ? {} : { signal });
}
