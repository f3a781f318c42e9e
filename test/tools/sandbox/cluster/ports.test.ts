import { createServer } from "node:net";
import { describe, expect, it } from "vitest";
import { canListen, choosePorts } from "../../../../tools/sandbox/cluster/ports";

const allFree = async () => true;

describe("the ports of a cluster", () => {
    it("are all different, even where few are free", async () => {
        for (let i = 0; i < 20; i++) {
            const chosen = Object.values(await choosePorts({}, async port => port % 60 === 0));
            expect(new Set(chosen).size).toBe(chosen.length);
        }
    });

    it("are below those that Linux gives to outgoing connections, and need no root", async () => {
        const chosen = Object.values(await choosePorts({}, allFree));
        expect(Math.min(...chosen)).toBeGreaterThanOrEqual(1024);
        expect(Math.max(...chosen)).toBeLessThan(32_768);
    });

    it("stay as they are as long as they are free", async () => {
        const first = await choosePorts({}, allFree);
        expect(await choosePorts(first, allFree)).toEqual(first);
    });

    it("are chosen anew where they are taken, and only there", async () => {
        const first = await choosePorts({}, allFree);
        const second = await choosePorts(first, async port => port !== first.etcd);
        expect(second).toEqual({ ...first, etcd: second.etcd });
        expect(second.etcd).not.toBe(first.etcd);
    });

    it("end the search with an error where none is free", async () => {
        await expect(choosePorts({}, async () => false)).rejects.toThrow("no free port");
    });

    it("count as taken while something listens there", async () => {
        const server = createServer();
        const port = await new Promise<number>(resolve => {
            server.listen({ port: 0, host: "127.0.0.1" }, () => {
                const address = server.address();
                resolve(typeof address === "object" && address !== null ? address.port : 0);
            });
        });
        expect(await canListen(port)).toBe(false);
        await new Promise(resolve => server.close(resolve));
        expect(await canListen(port)).toBe(true);
    });
});
