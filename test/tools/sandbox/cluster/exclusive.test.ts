import { spawn } from "node:child_process";
import { createHash, randomUUID } from "node:crypto";
import { once } from "node:events";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { exclusively } from "../../../../tools/sandbox/cluster/exclusive";

describe("work that is done by one at a time", () => {
    it("waits for the one before, and says so", async () => {
        const name = randomUUID();
        const order: string[] = [];
        let release = () => {};
        const held = new Promise<void>(resolve => {
            release = resolve;
        });
        const first = exclusively(name, async () => {
            await held;
            // Longer than the other needs to ask again.
            await delay(300);
            order.push("first");
        });
        const second = exclusively(name, async () => order.push("second"), {
            onWait: () => {
                order.push("waiting");
                release();
            },
        });
        await Promise.all([first, second]);
        expect(order).toEqual(["waiting", "first", "second"]);
    });

    it("does not wait for work of another name", async () => {
        const done = await exclusively(randomUUID(), () => exclusively(randomUUID(), async () => "done"));
        expect(done).toBe("done");
    });

    it("goes on after work that failed", async () => {
        const name = randomUUID();
        await expect(exclusively(name, () => Promise.reject(new Error("broken")))).rejects.toThrow("broken");
        expect(await exclusively(name, async () => "done")).toBe("done");
    });

    it("goes on after a process that was killed while it held the name", async () => {
        const name = randomUUID();
        const digest = createHash("sha256").update(name).digest("hex");
        const holder = spawn(process.execPath, [
            "-e",
            `require("node:net").createServer().listen({ path: "\\0kserve-torchserve-${digest}" }, () => console.log("held"))`,
        ]);
        await once(holder.stdout, "data");
        const waited: string[] = [];
        const done = exclusively(name, async () => "done", {
            onWait: () => {
                waited.push("waited");
                holder.kill("SIGKILL");
            },
        });
        expect(await done).toBe("done");
        expect(waited).toEqual(["waited"]);
    });

    it("can be given up while it waits", async () => {
        const name = randomUUID();
        await exclusively(name, async () => {
            const signal = AbortSignal.timeout(50);
            await expect(exclusively(name, async () => "done", { signal })).rejects.toThrow();
        });
    });
});
