import { request as send } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { downCluster, type RunningCluster } from "../../../tools/sandbox/cluster/cluster";
import type { KubeObject } from "../../../tools/sandbox/cluster/kubeApi";
import { missingServers, TestCluster } from "./testCluster";

const runtime: KubeObject = {
    apiVersion: "serving.kserve.io/v1alpha1",
    kind: "ServingRuntime",
    metadata: { name: "torchserve", namespace: "default", annotations: { "serving.kserve.io/server-type": "torchserve" } },
    spec: {
        supportedModelFormats: [{ name: "pytorch", version: "1", autoSelect: false }],
        protocolVersions: ["v1"],
        containers: [{ name: "kserve-container", image: "pytorch/torchserve-kfs:0.12.0" }],
    },
};

const service = (version: string, predictor: Record<string, unknown> = {}): KubeObject => ({
    apiVersion: "serving.kserve.io/v1beta1",
    kind: "InferenceService",
    metadata: { name: "digits", namespace: "default" },
    spec: {
        predictor: {
            minReplicas: 1,
            ...predictor,
            model: { modelFormat: { name: "pytorch" }, runtime: "torchserve", protocolVersion: "v1", storageUri: `gs://models/${version}` },
        },
    },
});

describe.skipIf(missingServers !== "")(`KServe and Knative (not built: ${missingServers || "nothing"})`, { timeout: 180_000 }, () => {
    const test = new TestCluster();
    let cluster: RunningCluster;

    beforeAll(async () => {
        cluster = await test.up();
        await test.ask(cluster, api => api.apply(runtime));
    }, 180_000);

    afterAll(() => test.remove(), 60_000);

    it("make a service with a runtime of its own ready, with the storage initializer and queue proxy in its pod", async () => {
        await test.ask(cluster, api => api.apply(service("one")));
        await test.until(cluster, service("one"), found => conditionOf(found, "Ready") === "True");
        const pods = await test.ask(cluster, api =>
            api.get("/api/v1/namespaces/default/pods?labelSelector=serving.kserve.io/inferenceservice=digits"),
        );
        const text = JSON.stringify(pods);
        expect(text).toContain('"name":"storage-initializer"');
        expect(text).toContain('"image":"kserve/storage-initializer:v0.20.0"');
        expect(text).toContain('"name":"queue-proxy"');
    });

    it("route its host to its revision, whose model server is not there yet", async () => {
        const answer = await request("digits-predictor.default.example.com");
        expect(answer).toMatchObject({ status: 503, body: { namespace: "default", revision: "digits-predictor-00001" } });
        expect(await request("nobody.default.example.com")).toMatchObject({ status: 404 });
    });

    it("make a canary of a change as soon as after a restart", async () => {
        await downCluster({ stateDir: test.stateDir });
        cluster = await test.up();
        await test.ask(cluster, api => api.apply(service("two", { canaryTrafficPercent: 20 })));
        await test.until(cluster, service("two"), found => traffic(found) === "digits-predictor-00001 80, digits-predictor-00002 20");
        const seen = new Set<unknown>();
        for (let i = 0; i < 200 && seen.size < 2; i++) {
            const { body } = await request("digits-predictor.default.example.com");
            seen.add((body as { revision?: unknown }).revision);
        }
        expect([...seen].sort()).toEqual(["digits-predictor-00001", "digits-predictor-00002"]);
    });

    it("allow what a service on chosen nodes needs", async () => {
        await test.ask(cluster, api =>
            api.apply(
                service("three", {
                    nodeSelector: { "kubernetes.io/os": "linux" },
                    tolerations: [{ key: "nvidia.com/gpu", operator: "Exists", effect: "NoSchedule" }],
                }),
            ),
        );
        await test.until(cluster, service("three"), found => traffic(found) === "digits-predictor-00003 100");
    });

    it("forget a service that is deleted, and its route", async () => {
        await test.ask(cluster, api => api.ask("DELETE", "/apis/serving.kserve.io/v1beta1/namespaces/default/inferenceservices/digits"));
        await test.until(cluster, service("three"), found => found === undefined);
        await expect.poll(async () => (await request("digits-predictor.default.example.com")).status, { timeout: 30_000 }).toBe(404);
    });

    async function request(host: string): Promise<{ readonly status: number; readonly body: unknown }> {
        return new Promise((resolve, reject) => {
            // Not fetch, which does not let a Host header be chosen.
            const sent = send(`${cluster.ingress}/v1/models/digits:predict`, { method: "POST", headers: { host } }, response => {
                let text = "";
                response.on("data", part => {
                    text += part;
                });
                response.on("end", () => resolve({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
            });
            sent.on("error", reject);
            sent.end();
        });
    }
});

interface ServiceStatus {
    readonly status?: {
        readonly conditions?: readonly { readonly type: string; readonly status: string }[];
        readonly components?: {
            readonly predictor?: { readonly traffic?: readonly { readonly revisionName?: string; readonly percent?: number }[] };
        };
    };
}

function conditionOf(found: unknown, type: string): string | undefined {
    return (found as ServiceStatus | undefined)?.status?.conditions?.find(condition => condition.type === type)?.status;
}

function traffic(found: unknown): string | undefined {
    return (found as ServiceStatus | undefined)?.status?.components?.predictor?.traffic
        ?.map(target => `${target.revisionName} ${target.percent}`)
        .sort()
        .join(", ");
}
