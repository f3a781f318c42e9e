import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Monitor } from "../../tools/sandbox/deploy/monitor";
import { runProgram } from "../../tools/sandbox/deploy/program";
import type { RegisteredResource } from "../../tools/sandbox/deploy/registeredResource";
import { readProject } from "../../tools/sandbox/deploy/stackFiles";
import { recordingHandler } from "../program/recordingHandler";

const root = join(__dirname, "../..");

interface Preview {
    readonly exitCode: number;
    readonly lastWords: string;
    readonly resources: readonly RegisteredResource[];
}

/** The compiled program, as Pulumi's host runs it, in a preview of the dev stack with some of its values changed. */
async function preview(changed: Record<string, unknown> = {}): Promise<Preview> {
    const project = readProject(root, join(root, "Pulumi.dev.yaml"));
    const values = Object.entries(changed).map(([key, value]) => [
        `${project.name}:${key}`,
        typeof value === "string" ? value : JSON.stringify(value),
    ]);
    const monitor = await Monitor.start({
        project: project.name,
        stack: "dev",
        organization: "test",
        dryRun: true,
        handler: recordingHandler(() => undefined),
    });
    try {
        const { exitCode, lastWords } = await runProgram({
            project: { ...project, config: { ...project.config, ...Object.fromEntries(values) } },
            stack: "dev",
            organization: "test",
            address: monitor.address,
            dryRun: true,
            environment: {},
            onOutput: () => {},
            failed: monitor.failed,
        });
        const errors = monitor.logs.filter(log => log.severity === "error").map(log => log.message);
        return { exitCode, lastWords: [...errors, lastWords].join("\n"), resources: monitor.results.map(({ resource }) => resource) };
    } finally {
        await monitor.stop();
    }
}

const bucketOf = ({ resources }: Preview) => resources.find(resource => resource.type === "gcp:storage/bucket:Bucket");
const image = { digest: `sha256:${"0a".repeat(32)}` };

describe("the stack program", () => {
    it("takes the models along when a dev stack is destroyed", async () => {
        const dev = await preview();
        expect(dev.lastWords).toBe("");
        expect(bucketOf(dev)).toMatchObject({ inputs: { forceDestroy: true } });
        expect(bucketOf(dev)?.options.protect).not.toBe(true);
    });

    it("refuses to destroy the bucket of a prod stack, and keeps it and its name", async () => {
        const prod = await preview({ environment: "prod", runtime: { image } });
        expect(bucketOf(prod)).toMatchObject({ inputs: { forceDestroy: false }, options: { protect: true, retainOnDelete: true } });
    });

    it("names its cluster to the provider, and says by what it is told apart from others", async () => {
        const { resources } = await preview();
        expect(resources.find(resource => resource.type === "pulumi:providers:kubernetes")?.inputs).toMatchObject({
            context: "gke_acme-dev_us-central1_serving",
            clusterIdentifier: "gke_acme-dev_us-central1_serving",
        });
    });

    it("tells all mistakes of the stack file in one message, without a stack trace, and declares nothing", async () => {
        const { exitCode, lastWords, resources } = await preview({
            namespace: "Models",
            canary: 20,
            bucket: { location: "EU", softDeleteDays: "7" },
        });
        expect(exitCode).not.toBe(0);
        expect(lastWords).toContain('canary: "20" is not a key that is known here; correct or remove it');
        expect(lastWords).toContain('bucket.softDeleteDays: "7" is not a value of type number; correct it');
        expect(lastWords).not.toMatch(/^\s+at /m);
        expect(resources.filter(resource => resource.type !== "pulumi:pulumi:Stack")).toEqual([]);
    });
});
