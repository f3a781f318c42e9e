import { request } from "node:http";
import { setTimeout as delay } from "node:timers/promises";

/** Asks again until there is an answer. `failure` makes the error of a wait that took too long, and may end it early. */
export async function waitFor<T>(
    ask: () => Promise<T | undefined> | T | undefined,
    wait: {
        readonly seconds: number;
        readonly failure: () => Error;
        readonly stop?: () => Error | undefined;
        readonly signal?: AbortSignal;
    },
): Promise<T> {
    const deadline = Date.now() + wait.seconds * 1000;
    for (;;) {
        wait.signal?.throwIfAborted();
        const found = await ask();
        if (found !== undefined) {
            return found;
        }
        const reason = wait.stop?.();
        if (reason !== undefined) {
            throw reason;
        }
        if (Date.now() > deadline) {
            throw wait.failure();
        }
        await delay(30, undefined, { signal: wait.signal });
    }
}

/** Whether a server of this machine answers 200 at the URL. */
export function answers(url: string): Promise<boolean> {
    return new Promise(resolve => {
        const asked = request(url, { timeout: 2000 }, response => {
            response.resume();
            resolve(response.statusCode === 200);
        });
        asked.on("error", () => resolve(false));
        asked.on("timeout", () => asked.destroy());
        asked.end();
    });
}
