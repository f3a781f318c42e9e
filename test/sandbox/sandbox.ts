import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Storage } from "@google-cloud/storage";
import { CustomObjectsApi, KubeConfig } from "@kubernetes/client-node";
import { type Document, parseDocument } from "yaml";
import { type RunningCluster, resetCluster, upCluster } from "../../tools/sandbox/cluster/cluster";
import { type DeploymentSummary, deployWithoutEngine } from "../../tools/sandbox/deployment";
import { ensureNamespace } from "../../tools/sandbox/namespace";
import { type ServiceReport, serviceReports } from "../../tools/sandbox/services";
import { sandboxStackFile } from "../../tools/sandbox/stackFile";

export const PROJECT = join(__dirname, "../..");
export const TEMPLATE = readFileSync(join(PROJECT, "Pulumi.sandbox.yaml"), "utf8");

/** A sandbox of a test's own, and the project's program deployed to it with stack files that the test edits. */
export class TestSandbox {
    private constructor(
        readonly stateDir: string,
        readonly cluster: RunningCluster,
    ) {}

    static async start(): Promise<TestSandbox> {
        const stateDir = mkdtempSync(join(tmpdir(), "kst-sandbox-"));
        const cluster = await upCluster({ stateDir });
        await ensureNamespace(TEMPLATE, cluster);
        return new TestSandbox(stateDir, cluster);
    }

    async stop(): Promise<void> {
        await resetCluster({ stateDir: this.stateDir });
        rmSync(this.stateDir, { recursive: true, force: true });
    }

    /** Deploys the project's own sandbox stack, edited. */
    async deploy(edit: (stackFile: Document) => void = () => {}): Promise<DeploymentSummary> {
        const document = parseDocument(TEMPLATE);
        edit(document);
        const configFile = join(this.stateDir, "Pulumi.sandbox.yaml");
        writeFileSync(configFile, sandboxStackFile(document.toString(), this.cluster));
        return deployWithoutEngine({ projectDir: PROJECT, addresses: this.cluster, onLine: () => {} }, configFile);
    }

    async services(): Promise<Record<string, ServiceReport>> {
        return serviceReports(this.cluster.kubeconfig, this.cluster.context);
    }

    async service(name: string): Promise<ServiceReport> {
        const report = (await this.services())[name];
        if (report === undefined) {
            throw new Error(`the cluster has no service ${name}`);
        }
        return report;
    }

    /** Every version that the API server has given to an object of ours, by kind and name. */
    async resourceVersions(): Promise<Record<string, string>> {
        const config = new KubeConfig();
        config.loadFromFile(this.cluster.kubeconfig);
        const api = config.makeApiClient(CustomObjectsApi);
        const versions: Record<string, string> = {};
        for (const [group, version, resourcePlural] of [
            ["serving.kserve.io", "v1beta1", "inferenceservices"],
            ["serving.kserve.io", "v1alpha1", "servingruntimes"],
            ["serving.knative.dev", "v1", "services"],
            ["serving.knative.dev", "v1", "configurations"],
        ] as const) {
            const list: ObjectList = await api.listCustomObjectForAllNamespaces({ group, version, resourcePlural });
            for (const { metadata } of list.items) {
                versions[`${resourcePlural} ${metadata.name}`] = metadata.resourceVersion;
            }
        }
        return versions;
    }

    /** Names and generations of all objects in all buckets: what was written, even if it was written the same. */
    async objects(): Promise<string[]> {
        const storage = new Storage({ apiEndpoint: this.cluster.objectStore, projectId: "sandbox" });
        const [buckets] = await storage.getBuckets();
        const files = await Promise.all(buckets.map(async bucket => (await bucket.getFiles())[0]));
        return files.flat().map(file => `${file.name} ${file.metadata.generation}`);
    }

    /** Makes uploads fail: the given number of them after the given number that succeed. */
    async failUploads(afterUploads: number, times: number): Promise<void> {
        const body = JSON.stringify({ afterUploads, status: 503, times });
        const answer = await fetch(`${this.cluster.objectStore}/_sandbox/faults`, { method: "POST", body });
        if (!answer.ok) {
            throw new Error(`the object store takes no faults: ${answer.status}`);
        }
    }
}

interface ObjectList {
    readonly items: readonly { readonly metadata: { readonly name: string; readonly resourceVersion: string } }[];
}

const SERVICE = ["config", "kserve-torchserve:services", 0];

export const setWorkers = (count: number) => (stackFile: Document) =>
    stackFile.setIn([...SERVICE, "store", "content", "models", 0, "serving", "minWorkers"], count);

export const setPercent = (percent: number) => (stackFile: Document) =>
    stackFile.setIn([...SERVICE, "canary"], { trafficPercent: percent });

export const setVersion = (version: string) => (stackFile: Document) => stackFile.setIn([...SERVICE, "store"], { version });

export const removeService = (stackFile: Document) => stackFile.setIn(["config", "kserve-torchserve:services"], []);

export const both =
    (...edits: ((stackFile: Document) => void)[]) =>
    (stackFile: Document) => {
        for (const edit of edits) {
            edit(stackFile);
        }
    };
