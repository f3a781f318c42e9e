import { describe, expect, it } from "vitest";
import { admission, digestOf, foundation } from "../../../../tools/sandbox/cluster/desiredObjects";
import { collectionPath, type KubeObject } from "../../../../tools/sandbox/cluster/kubeApi";
import type { Manifests } from "../../../../tools/sandbox/cluster/manifests";
import { choosePorts, type Ports } from "../../../../tools/sandbox/cluster/ports";

const configMap = (name: string, data: Record<string, string>): KubeObject => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace: "knative-serving" },
    data,
});

const webhooks = (kind: string, name: string, service: Record<string, string>): KubeObject => ({
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: [{ name: "a", clientConfig: { service } }],
});

const manifests: Manifests = {
    definitions: [],
    knative: [
        configMap("config-network", { _example: "long", "ingress-class": "istio" }),
        configMap("config-gc", { _example: "long" }),
        { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "activator" }, spec: { image: "ko://knative.dev/activator" } },
    ],
    knativeWebhooks: [webhooks("MutatingWebhookConfiguration", "knative", { name: "webhook", namespace: "knative-serving" })],
    kserve: [
        configMap("inferenceservice-config", {
            deploy: '{"defaultDeploymentMode": "Serverless"}',
            ingress: '{"disableIstioVirtualHost": false, "ingressDomain": "example.com"}',
            storageInitializer: '{"image": "kserve/storage-initializer:latest"}',
            agent: "kept",
        }),
        {
            apiVersion: "serving.kserve.io/v1alpha1",
            kind: "ClusterStorageContainer",
            metadata: { name: "default" },
            spec: { container: { name: "storage-initializer", image: "to be replaced" }, workloadType: "initContainer" },
        },
    ],
    kserveWebhooks: [
        webhooks("ValidatingWebhookConfiguration", "kserve", {
            name: "$(webhookServiceName)",
            namespace: "$(kserveNamespace)",
            path: "/v",
        }),
    ],
    kwokStages: "",
};

function named(objects: readonly KubeObject[], name: string): KubeObject {
    const found = objects.find(object => object.metadata.name === name);
    if (found === undefined) {
        throw new Error(`no object ${name}`);
    }
    return found;
}

describe("what a cluster is made of", () => {
    const made = foundation(manifests);

    it("sends Knative's routes to our ingress and leaves its other settings as shipped", () => {
        expect(named(made.configuration, "config-network").data).toEqual({ "ingress-class": "sandbox.ingress.networking.knative.dev" });
        expect(named(made.configuration, "config-gc").data).toEqual({});
    });

    it("runs KServe in Knative mode without Istio, with images of its own release", () => {
        const config = named(made.configuration, "inferenceservice-config");
        expect(config.metadata.namespace).toBe("kserve");
        expect(config.data).toEqual({
            deploy: '{"defaultDeploymentMode":"Knative"}',
            ingress: '{"disableIstioVirtualHost":true,"ingressDomain":"example.com"}',
            storageInitializer: '{"image": "kserve/storage-initializer:v0.20.0"}',
            agent: "kept",
        });
        expect(made.defaults.map(object => object.spec)).toEqual([
            { container: { name: "storage-initializer", image: "kserve/storage-initializer:v0.20.0" }, workloadType: "initContainer" },
        ]);
    });

    it("has no image that only a build tool understands", () => {
        expect(JSON.stringify(made)).not.toContain("ko://");
    });

    it("has only kinds that the API is known to have", () => {
        const all = [...made.namespaces, ...made.configuration, ...made.defaults];
        expect(() => all.map(collectionPath)).not.toThrow();
    });
});

describe("admission", () => {
    const port = async () => (await choosePorts({}, async () => true)) satisfies Ports;

    it("leads to the webhooks' ports by the Services that they are known by", async () => {
        const ports = await port();
        const [knative, kserve] = admission(manifests, ports, "PEM").map(object => object.webhooks);
        // Knative writes the certificate and the path itself and must not find ours.
        expect(knative).toEqual([
            { name: "a", clientConfig: { service: { name: "webhook", namespace: "knative-serving", port: ports.knativeWebhook } } },
        ]);
        expect(kserve).toEqual([
            {
                name: "a",
                clientConfig: {
                    caBundle: Buffer.from("PEM").toString("base64"),
                    service: { name: "kserve-webhook-server-service", namespace: "kserve", path: "/v", port: ports.kserveWebhook },
                },
            },
        ]);
    });

    it("counts as installed anew when a port or the certificate differs", async () => {
        const ports = await port();
        const digest = digestOf(admission(manifests, ports, "PEM"));
        expect(digestOf(admission(manifests, ports, "PEM"))).toBe(digest);
        expect(digestOf(admission(manifests, ports, "other"))).not.toBe(digest);
        expect(digestOf(admission(manifests, { ...ports, knativeWebhook: 1 }, "PEM"))).not.toBe(digest);
    });
});

describe("where the API has an object", () => {
    it.each([
        [{ apiVersion: "v1", kind: "Namespace", metadata: { name: "a" } }, "/api/v1/namespaces"],
        [{ apiVersion: "v1", kind: "Service", metadata: { name: "a", namespace: "b" } }, "/api/v1/namespaces/b/services"],
        [
            { apiVersion: "serving.kserve.io/v1beta1", kind: "InferenceService", metadata: { name: "a", namespace: "b" } },
            "/apis/serving.kserve.io/v1beta1/namespaces/b/inferenceservices",
        ],
    ])("is by its group, namespace and kind: %o", (object, path) => {
        expect(collectionPath(object)).toBe(path);
    });

    it("is not guessed for a kind that is not known", () => {
        expect(() => collectionPath({ apiVersion: "v1", kind: "Mystery", metadata: { name: "a" } })).toThrow("kind Mystery");
    });

    it("tells a Knative Service from a Kubernetes one by its group alone", () => {
        expect(collectionPath({ apiVersion: "serving.knative.dev/v1", kind: "Service", metadata: { name: "a", namespace: "b" } })).toBe(
            "/apis/serving.knative.dev/v1/namespaces/b/services",
        );
    });
});
