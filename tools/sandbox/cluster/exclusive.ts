import { createHash } from "node:crypto";
import { createServer, type Server } from "node:net";
import { setTimeout as delay } from "node:timers/promises";

/**
 * Runs the work while nothing else on this machine holds the same name. The name is held as an abstract Unix socket, which the kernel
 * frees when the process ends in whatever way: no lock is left behind, and none has to be judged stale (unix(7), "abstract").
 */
export async function exclusively<T>(
    name: string,
    work: () => Promise<T>,
    options: { readonly onWait?: () => void; readonly signal?: AbortSignal } = {},
): Promise<T> {
    const address = `\0kserve-torchserve-${createHash("sha256").update(name).digest("hex")}`;
    let held = await hold(address);
    if (held === undefined) {
        options.onWait?.();
    }
    while (held === undefined) {
        await delay(100, undefined, { signal: options.signal });
        held = await hold(address);
    }
    try {
        return await work();
    } finally {
        held.close();
    }
}

function hold(address: string): Promise<Server | undefined> {
    return new Promise((resolve, reject) => {
        const server = createServer(connection => connection.destroy());
        server.once("error", (error: NodeJS.ErrnoException) => (error.code === "EADDRINUSE" ? resolve(undefined) : reject(error)));
        server.listen({ path: address }, () => resolve(server));
    });
}
