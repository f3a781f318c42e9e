import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { runningServers, startServer, stopServers } from "../../../../tools/sandbox/cluster/processes";
import { waitFor } from "../../../../tools/sandbox/cluster/waiting";

let owner: string;

beforeEach(() => {
    owner = mkdtempSync(join(tmpdir(), "processes-"));
});

afterEach(async () => {
    await stopServers(runningServers(owner), 0);
    rmSync(owner, { recursive: true });
});

/** Starts a server that does what the script says after it has said that it is up. */
async function start(name: string, script: string): Promise<void> {
    const log = join(owner, `${name}.log`);
    startServer(owner, name, "digest", {
        program: process.execPath,
        arguments: ["-e", `${script}; console.log("up")`],
        environment: { GREETING: "hello" },
        log,
    });
    await waitFor(() => (readFileSync(log, "utf8").includes("up") ? true : undefined), {
        seconds: 15,
        failure: () => new Error(`${name} did not start`),
    });
}

const STAY = "setInterval(() => {}, 1000)";

describe("the servers of a state folder", () => {
    it("are found by what the kernel knows of them, with what they were started with", async () => {
        await start("etcd", STAY);
        expect(runningServers(owner)).toEqual([
            { name: "etcd", digest: "digest", pid: expect.any(Number), startTime: expect.stringMatching(/^\d+$/) },
        ]);
    });

    it("are not those of another folder", async () => {
        await start("etcd", STAY);
        expect(runningServers(`${owner}-other`)).toEqual([]);
    });

    it("get the environment of their command and nothing else of ours", async () => {
        process.env.KST_TEST_SECRET = "secret";
        try {
            await start("etcd", `console.log(process.env.GREETING, process.env.KST_TEST_SECRET); ${STAY}`);
        } finally {
            delete process.env.KST_TEST_SECRET;
        }
        expect(readFileSync(join(owner, "etcd.log"), "utf8")).toContain("hello undefined");
    });

    it("end when they are asked to", async () => {
        await start("etcd", `process.on("SIGTERM", () => { console.log("asked"); process.exit(0); }); ${STAY}`);
        await stopServers(runningServers(owner), 10_000);
        expect(runningServers(owner)).toEqual([]);
        expect(readFileSync(join(owner, "etcd.log"), "utf8")).toContain("asked");
    });

    it("are ended when they do not end themselves", async () => {
        await start("etcd", `process.on("SIGTERM", () => {}); ${STAY}`);
        await stopServers(runningServers(owner), 100);
        expect(runningServers(owner)).toEqual([]);
    });

    it("are never mistaken for a process that has got the same number later", async () => {
        await start("etcd", STAY);
        const [server] = runningServers(owner);
        if (server === undefined) {
            throw new Error("the server does not run");
        }
        await stopServers([{ ...server, startTime: "1" }], 0);
        expect(runningServers(owner)).toEqual([server]);
    });
});
