import { digestOf, type Foundation } from "./desiredObjects";
import { collectionPath, type KubeApi, type KubeObject } from "./kubeApi";
import { waitFor } from "./waiting";

/** Hold the digest of what was installed; written last, so that each stands for a whole installation. */
const RECORDS = {
    foundation: record("kserve-torchserve-sandbox-foundation"),
    admission: record("kserve-torchserve-sandbox-admission"),
};

/** How long the API server may take to serve a newly defined kind; some 10 s of computing for all of them. */
const ESTABLISHED_SECONDS = 120;

/** Makes what the controllers need before they start, unless the cluster has been made of the same already. */
export async function installFoundation(api: KubeApi, wanted: Foundation, webhooks: readonly KubeObject[]): Promise<void> {
    if (await isInstalled(api, RECORDS.foundation, digestOf(wanted))) {
        return;
    }
    // Webhooks of an earlier installation go first: what they point at does not run now, and they refuse whatever they cannot ask about.
    await Promise.all([RECORDS.admission, ...webhooks].map(object => api.ask("DELETE", pathOf(object))));
    await Promise.all(wanted.namespaces.map(object => api.apply(object)));
    await Promise.all([...wanted.configuration, ...wanted.definitions].map(object => api.apply(object)));
    await waitFor(async () => ((await areEstablished(api, wanted.definitions)) ? true : undefined), {
        seconds: ESTABLISHED_SECONDS,
        failure: () => new Error(`the API server did not serve KServe's and Knative's kinds within ${ESTABLISHED_SECONDS} s`),
    });
    await Promise.all(wanted.defaults.map(object => api.apply(object)));
    await api.apply({ ...RECORDS.foundation, data: { digest: digestOf(wanted) } });
}

/** Turns admission on, unless it is on as wanted. */
export async function installAdmission(api: KubeApi, webhooks: readonly KubeObject[]): Promise<void> {
    if (await isInstalled(api, RECORDS.admission, digestOf(webhooks))) {
        return;
    }
    await Promise.all(webhooks.map(object => api.apply(object)));
    await api.apply({ ...RECORDS.admission, data: { digest: digestOf(webhooks) } });
}

async function isInstalled(api: KubeApi, installed: KubeObject, digest: string): Promise<boolean> {
    return textAt(await api.get(pathOf(installed)), "data", "digest") === digest;
}

async function areEstablished(api: KubeApi, definitions: readonly KubeObject[]): Promise<boolean> {
    const found = await Promise.all(definitions.map(definition => api.get(pathOf(definition))));
    return found.every(definition => conditionOf(definition, "Established") === "True");
}

function record(name: string): KubeObject {
    return { apiVersion: "v1", kind: "ConfigMap", metadata: { name, namespace: "kube-system" } };
}

/** Nothing of this is stored: a dry run goes through all admission and ends there. */
const ADMISSION_PROBES: readonly KubeObject[] = [
    {
        apiVersion: "serving.kserve.io/v1beta1",
        kind: "InferenceService",
        metadata: { name: "admission-probe", namespace: "default" },
        spec: { predictor: { model: { modelFormat: { name: "pytorch" }, storageUri: "gs://admission/probe" } } },
    },
    {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: { name: "admission-probe", namespace: "default" },
        spec: { template: { spec: { containers: [{ image: "admission-probe" }] } } },
    },
];

/** Whether KServe's and Knative's webhooks answer the API server. */
export async function admits(api: KubeApi): Promise<boolean> {
    const answers = await Promise.all(ADMISSION_PROBES.map(probe => api.ask("POST", `${collectionPath(probe)}?dryRun=All`, probe)));
    return answers.every(answer => answer.status === 201);
}

/** Whether pods can run: the node is ready, and the service account that each pod needs has been made. */
export async function takesPods(api: KubeApi): Promise<boolean> {
    const [node, account] = await Promise.all([
        api.get("/api/v1/nodes/sandbox-node-0"),
        api.get("/api/v1/namespaces/default/serviceaccounts/default"),
    ]);
    return conditionOf(node, "Ready") === "True" && account !== undefined;
}

function pathOf(object: KubeObject): string {
    return `${collectionPath(object)}/${object.metadata.name}`;
}

function conditionOf(object: unknown, type: string): string | undefined {
    const conditions = at(object, "status", "conditions");
    const found = Array.isArray(conditions) ? conditions.find(condition => textAt(condition, "type") === type) : undefined;
    return textAt(found, "status");
}

function textAt(value: unknown, ...path: string[]): string | undefined {
    const found = at(value, ...path);
    return typeof found === "string" ? found : undefined;
}

function at(value: unknown, ...path: string[]): unknown {
    return path.reduce<unknown>(
        (inner, name) => (typeof inner === "object" && inner !== null ? (inner as Record<string, unknown>)[name] : undefined),
        value,
    );
}
