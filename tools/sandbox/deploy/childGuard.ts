/**
 * Loaded into every process that runs a program's code (`node --require`). Two things hold there that the program cannot be trusted to keep:
 * no connection leaves this machine, and nothing outlives the deployment, however that ends.
 */
import { Socket } from "node:net";

/** What the guard tells the deployment. */
export interface RefusedConnection {
    readonly refusedHost: string;
}

const connect = Socket.prototype.connect;

Socket.prototype.connect = function (this: Socket, ...args: unknown[]) {
    const host = hostOf(args);
    if (isLoopback(host)) {
        return Reflect.apply(connect, this, args);
    }
    const refused: RefusedConnection = { refusedHost: host };
    process.send?.(refused);
    return this.destroy(new Error(`the sandbox lets no connection leave this machine; one to ${host} was refused`));
};

process.on("disconnect", () => process.exit(1));
// The listener would keep a finished program alive.
process.channel?.unref();

/** `connect(options)`, `connect(port, host)`, or the array into which Node's own callers normalise either. */
function hostOf(args: readonly unknown[]): string {
    const [first, second] = Array.isArray(args[0]) ? args[0] : args;
    if (typeof first === "object" && first !== null) {
        const { host, path }: { host?: unknown; path?: unknown } = first;
        return typeof path === "string" ? "localhost" : typeof host === "string" ? host : "localhost";
    }
    return typeof second === "string" ? second : "localhost";
}

function isLoopback(host: string): boolean {
    return host === "localhost" || host === "::1" || host.startsWith("127.") || host === "0.0.0.0";
}
