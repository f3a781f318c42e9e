import { createHash } from "node:crypto";
import type { KubeObject } from "./kubeApi";
import type { Manifests } from "./manifests";
import type { Ports } from "./ports";

/** What every cluster is made of before its controllers start, in the order in which one part needs the other. */
export interface Foundation {
    readonly namespaces: readonly KubeObject[];
    /** Schemas of KServe's and Knative's kinds. */
    readonly definitions: readonly KubeObject[];
    /** What the controllers read at their start. */
    readonly configuration: readonly KubeObject[];
    /** What is of one of the defined kinds. */
    readonly defaults: readonly KubeObject[];
}

const KSERVE_VERSION = "v0.20.0";
const KNATIVE_VERSION = "v1.21.1";
const KNATIVE_NAMESPACE = "knative-serving";
const KSERVE_NAMESPACE = "kserve";
const KSERVE_WEBHOOK = "kserve-webhook-server-service";

/** Knative's own settings for this cluster; what is not named stays as shipped. */
const KNATIVE_SETTINGS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
    "config-network": { "ingress-class": "sandbox.ingress.networking.knative.dev" },
    "config-domain": { "example.com": "" },
    "config-deployment": {
        "queue-sidecar-image": `gcr.io/knative-releases/knative.dev/serving/cmd/queue:${KNATIVE_VERSION}`,
        // Images are never pulled here, so none can be asked for its digest.
        "registries-skipping-tag-resolving": "kind.local,ko.local,dev.local,index.docker.io,docker.io,gcr.io,ghcr.io,nvcr.io,quay.io",
    },
    // The activator always in the path: the autoscaler then does not probe it by a name that only a cluster's DNS knows.
    "config-autoscaler": { "target-burst-capacity": "-1" },
    // Off by default; a pod spec of KServe's may have all of these. Source: knative.dev/serving/config/core/configmaps/features.yaml.
    "config-features": Object.fromEntries(
        [
            "affinity",
            "fieldref",
            "init-containers",
            "nodeselector",
            "persistent-volume-claim",
            "persistent-volume-write",
            "priorityclassname",
            "runtimeclassname",
            "schedulername",
            "securitycontext",
            "tolerations",
            "topologyspreadconstraints",
            "volumes-emptydir",
        ].map(feature => [`kubernetes.podspec-${feature}`, "enabled"]),
    ),
};

export function foundation(manifests: Manifests): Foundation {
    return {
        namespaces: [
            // Knative's webhook selects the config maps to check by this label.
            namespace(KNATIVE_NAMESPACE, { "app.kubernetes.io/name": "knative-serving" }),
            namespace(KSERVE_NAMESPACE, {}),
        ],
        definitions: manifests.definitions,
        configuration: [
            ...manifests.knative.map(configuredKnative),
            ...manifests.kserve.filter(object => object.kind === "ConfigMap").map(configuredKserve),
            loopbackService(KNATIVE_NAMESPACE, "webhook"),
            loopbackService(KSERVE_NAMESPACE, KSERVE_WEBHOOK),
            NODE,
        ],
        defaults: manifests.kserve.filter(object => object.kind === "ClusterStorageContainer").map(pinnedStorageContainer),
    };
}

/**
 * Where the API server asks whether an object may be, which differs from cluster to cluster.
 * @param kserveCertificate what KServe's webhook proves itself with, in PEM; Knative's writes its own into its configuration
 */
export function admission(manifests: Manifests, ports: Ports, kserveCertificate: string): KubeObject[] {
    return [
        ...manifests.knativeWebhooks.map(object => reachable(object, KNATIVE_NAMESPACE, "webhook", ports.knativeWebhook)),
        ...manifests.kserveWebhooks.map(object =>
            reachable(object, KSERVE_NAMESPACE, KSERVE_WEBHOOK, ports.kserveWebhook, kserveCertificate),
        ),
    ];
}

/** Stands for objects: a cluster that holds the same digest has been made of the same ones. */
export function digestOf(objects: Foundation | readonly KubeObject[]): string {
    return createHash("sha256").update(JSON.stringify(objects)).digest("hex").slice(0, 16);
}

/** One node that has room for whatever a stack asks for. */
const NODE: KubeObject = {
    apiVersion: "v1",
    kind: "Node",
    metadata: {
        name: "sandbox-node-0",
        annotations: { "node.alpha.kubernetes.io/ttl": "0", "kwok.x-k8s.io/node": "fake" },
        labels: { "kubernetes.io/hostname": "sandbox-node-0", "kubernetes.io/os": "linux", "kubernetes.io/arch": "amd64" },
    },
    // Node is applied whole: KWOK reads its size from the status when it makes the node ready.
    status: {
        allocatable: { cpu: "64", memory: "256Gi", pods: "500", "nvidia.com/gpu": "8" },
        capacity: { cpu: "64", memory: "256Gi", pods: "500", "nvidia.com/gpu": "8" },
    },
};

function namespace(name: string, labels: Record<string, string>): KubeObject {
    return { apiVersion: "v1", kind: "Namespace", metadata: { name, labels } };
}

/**
 * A webhook keeps the Service that it names, and the API server checks its certificate for that name; only where the name leads is
 * the loopback address. A `url` instead would be refused: Knative's webhook writes its path into the Service reference.
 */
function loopbackService(namespace: string, name: string): KubeObject {
    return { apiVersion: "v1", kind: "Service", metadata: { name, namespace }, spec: { type: "ExternalName", externalName: "localhost" } };
}

function reachable(object: KubeObject, namespace: string, service: string, port: number, certificate?: string): KubeObject {
    const webhooks = objectsOf(object.webhooks).map(webhook => {
        const clientConfig = objectOf(webhook.clientConfig);
        return {
            ...webhook,
            clientConfig: {
                ...(certificate === undefined ? {} : { caBundle: Buffer.from(certificate).toString("base64") }),
                service: { ...objectOf(clientConfig.service), namespace, name: service, port },
            },
        };
    });
    return { ...object, webhooks };
}

function configuredKnative(object: KubeObject): KubeObject {
    const settings = object.kind === "ConfigMap" ? KNATIVE_SETTINGS[object.metadata.name] : undefined;
    if (settings !== undefined) {
        return { ...object, data: { ...withoutExample(object.data), ...settings } };
    }
    if (object.kind === "ConfigMap") {
        return { ...object, data: withoutExample(object.data) };
    }
    // `ko://` is an image only to the tool that builds Knative; the activator is a pod that is simulated and needs any name at all.
    return JSON.parse(JSON.stringify(object).replaceAll("ko://", "ko.local/")) as KubeObject;
}

/** Knative refuses a config map whose `_example` differs from its checksum annotation; nothing reads it. */
function withoutExample(data: unknown): Record<string, unknown> {
    const { _example, ...settings } = objectOf(data ?? {});
    return settings;
}

function configuredKserve(object: KubeObject): KubeObject {
    const data = objectOf(object.data);
    return {
        ...object,
        metadata: { ...object.metadata, namespace: KSERVE_NAMESPACE },
        data: {
            ...data,
            deploy: JSON.stringify({ defaultDeploymentMode: "Knative" }),
            // Without Istio's own kinds the route of the Knative Service is the service's route.
            ingress: JSON.stringify({ ...objectOf(JSON.parse(textOf(data.ingress))), disableIstioVirtualHost: true }),
            storageInitializer: textOf(data.storageInitializer).replace(":latest", `:${KSERVE_VERSION}`),
        },
    };
}

function pinnedStorageContainer(object: KubeObject): KubeObject {
    const spec = objectOf(object.spec);
    const image = `kserve/storage-initializer:${KSERVE_VERSION}`;
    return { ...object, spec: { ...spec, container: { ...objectOf(spec.container), image } } };
}

function objectOf(value: unknown): Record<string, unknown> {
    if (typeof value !== "object" || value === null) {
        throw new Error(`a manifest has ${JSON.stringify(value)} where an object was expected`);
    }
    return { ...value };
}

function objectsOf(value: unknown): Record<string, unknown>[] {
    if (!Array.isArray(value)) {
        throw new Error(`a manifest has ${JSON.stringify(value)} where a list was expected`);
    }
    return value.map(objectOf);
}

function textOf(value: unknown): string {
    if (typeof value !== "string") {
        throw new Error(`a manifest has ${JSON.stringify(value)} where a text was expected`);
    }
    return value;
}
