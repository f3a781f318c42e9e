import { closeSync, existsSync, fstatSync, openSync, readSync } from "node:fs";
import type { BinaryName } from "./binaries";
import { type RunningServer, runningServers, startServer, stopServers } from "./processes";
import type { Server } from "./servers";
import type { StateFolder } from "./stateFolder";
import { answers, waitFor } from "./waiting";

/** How long a server may take to answer on a busy machine, before its start counts as failed. */
const START_SECONDS = 60;
/** How long a server may take to end by itself. etcd and the API server survive a kill without loss, so there is no need for more. */
const STOP_MILLISECONDS = 5_000;

/** The servers of one state folder: makes those run that should, and none else. */
export class ControlPlane {
    constructor(
        private readonly folder: StateFolder,
        private readonly signal: AbortSignal | undefined,
    ) {}

    running(): RunningServer[] {
        return runningServers(this.folder.root);
    }

    /** Makes the server run as it should. Gives whether it had to be started. */
    async ensure(server: Server): Promise<boolean> {
        const found = this.running().filter(each => each.name === server.name);
        const right = found.find(each => each.digest === server.digest);
        await stopServers(
            found.filter(each => each !== right),
            STOP_MILLISECONDS,
        );
        if (right !== undefined) {
            return false;
        }
        this.signal?.throwIfAborted();
        startServer(this.folder.root, server.name, server.digest, server);
        return true;
    }

    /** Waits until the server answers; fails when it ends meanwhile. */
    async answering(server: Server): Promise<void> {
        const { probe } = server;
        if (probe !== undefined) {
            await this.until(server, `has not answered ${probe}`, async () => ((await answers(probe)) ? true : undefined));
        }
    }

    /** Waits until something holds that this server brings about; fails when the server ends meanwhile. */
    until<T>(server: Server, missing: string, ask: () => Promise<T | undefined> | T | undefined): Promise<T> {
        return waitFor(ask, {
            seconds: START_SECONDS,
            signal: this.signal,
            stop: () => (this.isRunning(server) ? undefined : new Error(`${server.name} ended at its start${lastWords(server.log)}`)),
            failure: () => new Error(`${server.name} ${missing} within ${START_SECONDS} s${lastWords(server.log)}`),
        });
    }

    /** Ends all servers, those first that would otherwise complain of the others' absence. */
    async stop(): Promise<void> {
        const last: readonly (readonly BinaryName[])[] = [["kube-apiserver"], ["etcd"]];
        const late = new Set<string>(last.flat());
        await stopServers(
            this.running().filter(each => !late.has(each.name)),
            STOP_MILLISECONDS,
        );
        for (const names of last) {
            await stopServers(
                this.running().filter(each => names.some(name => name === each.name)),
                STOP_MILLISECONDS,
            );
        }
    }

    private isRunning(server: Server): boolean {
        return this.running().some(each => each.name === server.name);
    }
}

const TAIL_BYTES = 3000;

function lastWords(log: string): string {
    const tail = tailOf(log, TAIL_BYTES).trimEnd();
    return tail === "" ? `; its log ${log} is empty` : `; the end of its log ${log}:\n${tail}`;
}

/** The end of a file, from the start of a line; empty for a file that does not exist. */
export function tailOf(path: string, bytes: number): string {
    if (!existsSync(path)) {
        return "";
    }
    const file = openSync(path, "r");
    try {
        const { size } = fstatSync(file);
        const buffer = Buffer.alloc(Math.min(bytes, size));
        readSync(file, buffer, 0, buffer.length, size - buffer.length);
        const text = buffer.toString();
        return buffer.length < size ? text.slice(text.indexOf("\n") + 1) : text;
    } finally {
        closeSync(file);
    }
}
