import { randomInt } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";

const PORT_NAMES = [
    "etcd",
    "etcdPeer",
    "apiServer",
    "objectStore",
    "ingress",
    "ingressMetrics",
    "knativeWebhook",
    "knativeWebhookMetrics",
    "knativeControllerMetrics",
    "autoscalerStatistics",
    "autoscalerMetrics",
    "kserveWebhook",
    "kserveProbe",
] as const;

export type PortName = (typeof PORT_NAMES)[number];
export type Ports = Readonly<Record<PortName, number>>;

/** Below the range from which Linux gives ports to outgoing connections, so that none of those takes one while the cluster is down. */
const LOWEST = 20_000;
const HIGHEST = 32_000;

/**
 * Gives each name a port of its own: the remembered one unless it is taken, else a new free one.
 * @param isFree whether a port can be listened on; a port that a server of this cluster holds counts as free
 */
export async function choosePorts(remembered: Partial<Ports>, isFree: (port: number) => Promise<boolean>): Promise<Ports> {
    const chosen = new Map<PortName, number>();
    const used = new Set(Object.values(remembered));
    for (const name of PORT_NAMES) {
        const before = remembered[name];
        chosen.set(name, before !== undefined && (await isFree(before)) ? before : await newPort(used, isFree));
    }
    // The loop above has set every name.
    return Object.fromEntries(chosen) as unknown as Ports;
}

async function newPort(used: Set<number>, isFree: (port: number) => Promise<boolean>): Promise<number> {
    for (let attempt = 0; attempt < 1000; attempt++) {
        const port = randomInt(LOWEST, HIGHEST);
        if (!used.has(port) && (await isFree(port))) {
            used.add(port);
            return port;
        }
    }
    throw new Error(`no free port between ${LOWEST} and ${HIGHEST} on 127.0.0.1`);
}

/** The ports that a state folder remembers; none where it remembers none. */
export function readPorts(path: string): Partial<Ports> {
    if (!existsSync(path)) {
        return {};
    }
    const stored: unknown = JSON.parse(readFileSync(path, "utf8"));
    const known = new Map<string, unknown>(Object.entries(stored ?? {}));
    return Object.fromEntries(PORT_NAMES.map(name => [name, known.get(name)]).filter(([, port]) => typeof port === "number"));
}

/** Whether nothing listens on this port of the loopback address. */
export function canListen(port: number): Promise<boolean> {
    return new Promise(resolve => {
        const probe = createServer();
        probe.once("error", () => resolve(false));
        probe.listen({ port, host: "127.0.0.1" }, () => probe.close(() => resolve(true)));
    });
}
