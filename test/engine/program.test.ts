import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { CoreV1Api, CustomObjectsApi, KubeConfig } from "@kubernetes/client-node";
import type { OpMap, OutputMap, Stack } from "@pulumi/pulumi/automation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Document, parseDocument } from "yaml";
import { engineStack, findEngine } from "../../tools/sandbox/engine";
import { sandboxStackFile } from "../../tools/sandbox/stackFile";
import { both, PROJECT, setPercent, setVersion, setWorkers, TEMPLATE, TestSandbox } from "../sandbox/sandbox";

const MINUTES = 60_000;
const engine = findEngine();
if (engine === undefined) {
    console.log("skipped: no Pulumi CLI on PATH or fetched by `npx pulumi`, so its engine cannot run the program");
}

interface ServiceOutput {
    url: string;
    storageUri: string;
    digest: string;
    modelNames: string[];
    runtime: string;
    revision: string;
    traffic: Record<string, number>;
}

// Each test goes on from the one before: it is the life of one stack in Pulumi's own engine, on the sandbox's control planes.
describe.skipIf(engine === undefined)("the program in Pulumi's engine", () => {
    let sandbox: TestSandbox;
    let stack: Stack;
    let first: ServiceOutput;

    beforeAll(async () => {
        sandbox = await TestSandbox.start();
        stack = await engineStack(engine ?? "", PROJECT, sandbox.stateDir, "sandbox");
    }, 3 * MINUTES);
    afterAll(() => sandbox?.stop(), MINUTES);

    function stackFile(edit: (stackFile: Document) => void = () => {}): { configFile: string; color: "never" } {
        const document = parseDocument(TEMPLATE);
        edit(document);
        const configFile = join(sandbox.stateDir, "Pulumi.sandbox.yaml");
        writeFileSync(configFile, sandboxStackFile(document.toString(), sandbox.cluster));
        return { configFile, color: "never" };
    }

    async function up(edit?: (stackFile: Document) => void): Promise<{ changes: OpMap; service: ServiceOutput }> {
        const { summary, outputs } = await stack.up(stackFile(edit));
        return { changes: summary.resourceChanges ?? {}, service: serviceOutput(outputs) };
    }

    it(
        "previews and makes everything, and gives out what it made",
        async () => {
            const preview = await stack.preview(stackFile());
            const { changes, service } = await up();
            expect(preview.changeSummary).toEqual(changes);
            expect(Object.keys(changes)).toEqual(["create"]);
            expect(service).toMatchObject({
                storageUri: expect.stringMatching(/^gs:\/\/sandbox-models-[0-9a-f]{6}\/digits\/[0-9a-f]{32}$/),
                modelNames: ["digits"],
                revision: "digits-predictor-00001",
                traffic: { "digits-predictor-00001": 100 },
            });
            expect(await sandbox.service("digits")).toMatchObject({
                ready: true,
                url: service.url,
                storageUri: service.storageUri,
                digest: service.digest,
            });
            first = service;
        },
        5 * MINUTES,
    );

    it(
        "shows no change when nothing has changed, before and after a refresh",
        async () => {
            const before = { versions: await sandbox.resourceVersions(), objects: await sandbox.objects() };
            await stack.preview({ ...stackFile(), expectNoChanges: true });
            expect(Object.keys((await up()).changes)).toEqual(["same"]);
            await stack.refresh({ color: "never", expectNoChanges: true });
            await stack.preview({ ...stackFile(), expectNoChanges: true });
            expect({ versions: await sandbox.resourceVersions(), objects: await sandbox.objects() }).toEqual(before);
        },
        5 * MINUTES,
    );

    it(
        "updates the version, the service and its gate for other workers, and replaces nothing",
        async () => {
            const { changes, service } = await up(both(setWorkers(2), setPercent(20)));
            // The fourth is the service's component, whose arguments the state keeps too.
            expect(changes).toMatchObject({ update: 4 });
            expect(Object.keys(changes).toSorted()).toEqual(["same", "update"]);
            expect(service.digest).not.toBe(first.digest);
            expect(service.traffic).toEqual({ "digits-predictor-00001": 80, "digits-predictor-00002": 20 });
        },
        5 * MINUTES,
    );

    it(
        "updates the service and its gate alone for another percent",
        async () => {
            const { changes, service } = await up(both(setWorkers(2), setPercent(50)));
            expect(changes).toMatchObject({ update: 3 });
            expect(service.traffic).toEqual({ "digits-predictor-00001": 50, "digits-predictor-00002": 50 });
        },
        5 * MINUTES,
    );

    it(
        "goes back to the first version by its digest, and uploads nothing",
        async () => {
            const objects = await sandbox.objects();
            const { service } = await up(setVersion(first.digest));
            expect(service.storageUri).toBe(first.storageUri);
            expect(await sandbox.objects()).toEqual(objects);
        },
        5 * MINUTES,
    );

    it(
        "refuses a version that is not there in the preview already, in words",
        async () => {
            const preview = stack.preview(stackFile(setVersion("0".repeat(32))));
            await expect(preview).rejects.toThrow(/has no complete version 0{32}/);
        },
        5 * MINUTES,
    );

    it(
        "asks a gate that has failed again at the next up, though nothing has changed",
        async () => {
            const impossible = both(setVersion(first.digest), document => {
                document.setIn(["config", "kserve-torchserve:services", 0, "resources"], { cpu: "1000" });
                document.setIn(["config", "kserve-torchserve:services", 0, "readyTimeoutSeconds"], 5);
            });
            for (const _run of [1, 2]) {
                await expect(stack.up(stackFile(impossible))).rejects.toThrow(/digits does not serve what was declared/);
            }
            await up(setVersion(first.digest));
        },
        5 * MINUTES,
    );

    it(
        "makes another runtime beside the old one, moves the service to it, and then removes the old one",
        async () => {
            const { changes, service } = await up(
                both(setVersion(first.digest), document =>
                    document.setIn(["config", "kserve-torchserve:runtime"], { image: { release: "0.9.0" } }),
                ),
            );
            expect(changes).toMatchObject({ replace: 1 });
            expect(service.runtime).not.toBe(first.runtime);
            expect(await namesOf("serving.kserve.io", "v1alpha1", "servingruntimes")).toEqual([service.runtime]);
        },
        5 * MINUTES,
    );

    it(
        "destroys all that it made, models included since it is a dev stack, and no namespace",
        async () => {
            await stack.destroy(stackFile());
            expect(await sandbox.services()).toEqual({});
            expect(await namesOf("serving.kserve.io", "v1alpha1", "servingruntimes")).toEqual([]);
            expect(await sandbox.objects()).toEqual([]);
            const namespaces = await kubeConfig().makeApiClient(CoreV1Api).listNamespace();
            expect(namespaces.items.map(item => item.metadata?.name)).toContain("models");
        },
        5 * MINUTES,
    );

    async function namesOf(group: string, version: string, plural: string): Promise<string[]> {
        const list: { items: { metadata: { name: string } }[] } = await kubeConfig()
            .makeApiClient(CustomObjectsApi)
            .listNamespacedCustomObject({ group, version, plural, namespace: "models" });
        return list.items.map(item => item.metadata.name);
    }

    function kubeConfig(): KubeConfig {
        const config = new KubeConfig();
        config.loadFromFile(sandbox.cluster.kubeconfig);
        return config;
    }
});

function serviceOutput(outputs: OutputMap): ServiceOutput {
    const services: Record<string, ServiceOutput> = outputs.services?.value;
    const service = services.digits;
    if (service === undefined) {
        throw new Error("the stack gives out no service digits");
    }
    return service;
}
