import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Monitor } from "../../../../tools/sandbox/deploy/monitor";
import { runProgram } from "../../../../tools/sandbox/deploy/program";
import { programMessage } from "../../../../tools/sandbox/deploy/programMessage";
import { Secret, unknown } from "../../../../tools/sandbox/deploy/property";
import { readProject } from "../../../../tools/sandbox/deploy/stackFiles";
import { recordingHandler } from "../../../program/recordingHandler";

let folder: string;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "program-"));
    symlinkSync(resolve("node_modules"), join(folder, "node_modules"));
    writeFileSync(
        join(folder, "Pulumi.yaml"),
        "name: fixture\nmain: program.js\nruntime: {name: nodejs, options: {typescript: false}}\nconfig: {region: {default: EU}, key: {secret: true, default: hunter2}}\n",
    );
});
afterEach(() => rmSync(folder, { recursive: true }));

async function run(program: string, dryRun = false) {
    writeFileSync(
        join(folder, "program.js"),
        `const pulumi = require("@pulumi/pulumi"); const { RandomId } = require("@pulumi/random/randomId"); const config = new pulumi.Config();\n${program}`,
    );
    const monitor = await Monitor.start({
        project: "fixture",
        stack: "test",
        organization: "sandbox",
        dryRun,
        handler: recordingHandler(() => undefined),
    });
    const lines: string[] = [];
    try {
        const end = await runProgram({
            project: readProject(folder, undefined),
            stack: "test",
            organization: "sandbox",
            address: monitor.address,
            dryRun,
            environment: {},
            onOutput: line => lines.push(line),
            failed: monitor.failed,
        });
        return {
            end,
            monitor,
            lines,
            errors: monitor.logs.filter(log => log.severity === "error").map(log => programMessage(log.message)),
        };
    } finally {
        await monitor.stop();
    }
}

describe("a program in a process of its own", { timeout: 60_000 }, () => {
    it.each([
        { dryRun: true, hex: unknown },
        { dryRun: false, hex: expect.stringMatching(/^[0-9a-f]{6}$/) },
    ])("registers what it makes and exports (dry run: $dryRun)", async ({ dryRun, hex }) => {
        const { end, monitor } = await run(
            `const id = new RandomId("id", { byteLength: 3 });
             exports.hex = id.hex; exports.region = config.require("region"); exports.key = config.requireSecret("key");`,
            dryRun,
        );
        expect(end).toMatchObject({ exitCode: 0, refusedHosts: [] });
        expect(monitor.results.map(({ resource }) => resource.name)).toEqual(["fixture-test", "id"]);
        expect(monitor.stackOutputs).toEqual({ hex, region: "EU", key: new Secret("hunter2") });
    });

    it("fails with its own message, without a stack trace", async () => {
        const { end, errors } = await run(`throw new Error("services[0]: no such model\\nservices[1]: neither");`);
        expect(end.exitCode).not.toBe(0);
        expect(errors).toEqual(["services[0]: no such model\nservices[1]: neither"]);
    });

    it("fails when a value it waits for fails", async () => {
        const { end, errors } = await run(
            `new RandomId("id", { byteLength: pulumi.output(1).apply(() => { throw new Error("no length"); }) });`,
        );
        expect(end.exitCode).not.toBe(0);
        expect(errors).toEqual(['error serializing property "byteLength": no length']);
    });

    it("cannot talk to another machine", async () => {
        const { end } = await run(`fetch("https://storage.googleapis.com/").catch(() => undefined);`);
        expect(end.refusedHosts).toEqual(["storage.googleapis.com"]);
    });

    it("ends when the deployment has failed", async () => {
        const { end, monitor } = await run(
            `const id = new RandomId("id", { byteLength: 3 }); new RandomId("id", { byteLength: 3 }); exports.hex = id.hex`,
        );
        expect(end.exitCode).toBeGreaterThanOrEqual(0);
        expect(monitor.failures).toMatchObject([{ message: expect.stringContaining("two resources have this URN") }]);
    });
});
