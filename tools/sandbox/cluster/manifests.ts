import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import type { KubeObject } from "./kubeApi";

/** What KServe, Knative and KWOK ship for a cluster, as they ship it; the build takes it from their Go modules. */
export interface Manifests {
    readonly definitions: readonly KubeObject[];
    readonly knative: readonly KubeObject[];
    readonly knativeWebhooks: readonly KubeObject[];
    readonly kserve: readonly KubeObject[];
    readonly kserveWebhooks: readonly KubeObject[];
    /** KWOK's own configuration: how simulated nodes and pods live. */
    readonly kwokStages: string;
}

/** Which module of which of our own modules a source is in. */
export type SourceModule = "kserve" | "serving" | "networking" | "caching" | "kwok";

export const SOURCE_MODULES: Readonly<Record<SourceModule, { readonly module: string; readonly path: string }>> = {
    kserve: { module: "kserve", path: "github.com/kserve/kserve" },
    serving: { module: "knative", path: "knative.dev/serving" },
    networking: { module: "knative", path: "knative.dev/networking" },
    caching: { module: "knative", path: "knative.dev/caching" },
    kwok: { module: "kwok", path: "sigs.k8s.io/kwok" },
};

const KSERVE_DEFINITIONS = [
    "serving.kserve.io_clusterservingruntimes.yaml",
    "serving.kserve.io_inferencegraphs.yaml",
    "serving.kserve.io_inferenceservices.yaml",
    "serving.kserve.io_servingruntimes.yaml",
    "serving.kserve.io_trainedmodels.yaml",
    "clusterstoragecontainer/serving.kserve.io_clusterstoragecontainers.yaml",
];

/** KWOK's stages that make a node ready and keep it so, and make each pod ready at once. */
const KWOK_STAGES = [
    "node/fast/node-initialize.yaml",
    "node/heartbeat-with-lease/node-heartbeat-with-lease.yaml",
    "pod/fast/pod-ready.yaml",
    "pod/fast/pod-complete.yaml",
    "pod/fast/pod-delete.yaml",
];

/** @param sources the folder of each module's source */
export function readManifests(sources: Readonly<Record<SourceModule, string>>): Manifests {
    const kserve = join(sources.kserve, "config");
    const core = join(sources.serving, "config", "core");
    const network = join(sources.networking, "config");
    return {
        definitions: [
            ...objectsIn(join(core, "300-resources")),
            ...["certificate", "domain-claim", "ingress", "serverlessservice"].flatMap(name => objectsIn(join(network, `${name}.yaml`))),
            ...objectsIn(join(sources.caching, "config", "image.yaml")),
            ...KSERVE_DEFINITIONS.flatMap(name => objectsIn(join(kserve, "crd", "full", name))),
        ],
        knative: [
            ...objectsIn(join(core, "configmaps")),
            ...objectsIn(join(network, "config-network.yaml")),
            ...objectsIn(join(core, "webhooks", "secret.yaml")),
            ...objectsIn(join(core, "deployments", "activator.yaml")),
        ],
        knativeWebhooks: ["configmap-validation", "defaulting", "resource-validation"].flatMap(name =>
            objectsIn(join(core, "webhooks", `${name}.yaml`)),
        ),
        kserve: [
            ...objectsIn(join(kserve, "configmap", "inferenceservice.yaml")),
            ...objectsIn(join(kserve, "storagecontainers", "default.yaml")),
        ],
        kserveWebhooks: objectsIn(join(kserve, "webhook", "manifests.yaml")),
        kwokStages: KWOK_STAGES.map(name => readFileSync(join(sources.kwok, "kustomize", "stage", name), "utf8")).join("\n---\n"),
    };
}

function objectsIn(path: string): KubeObject[] {
    const files = path.endsWith(".yaml") ? [path] : yamlFilesIn(path);
    return files
        .flatMap(file => parseAllDocuments(readFileSync(file, "utf8")))
        .map(document => ("toJS" in document ? (document.toJS() as unknown) : undefined))
        .filter(isObject);
}

function yamlFilesIn(folder: string): string[] {
    return readdirSync(folder)
        .filter(name => name.endsWith(".yaml"))
        .sort()
        .map(name => join(folder, name));
}

function isObject(value: unknown): value is KubeObject {
    return typeof value === "object" && value !== null && "kind" in value && "apiVersion" in value && "metadata" in value;
}
