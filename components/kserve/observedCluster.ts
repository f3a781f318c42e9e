import type { CoreV1Api, CustomObjectsApi, V1ContainerStatus, V1Pod } from "@kubernetes/client-node";
import { type ClusterAccess, isKubeconfigText } from "./clusterAccess";
import type { ObservedRevision, ServiceStatus } from "./readiness";

/** Reads of a cluster what tells whether a service serves. */
export class ObservedCluster {
    private constructor(
        private readonly core: CoreV1Api,
        private readonly custom: CustomObjectsApi,
        private readonly statusOf: (error: unknown) => number | undefined,
    ) {}

    static async connect(access: ClusterAccess): Promise<ObservedCluster> {
        // Loaded when first used: a preview asks nothing, and the client takes longer to load than the program to run.
        const kubernetes = await import("@kubernetes/client-node");
        const config = new kubernetes.KubeConfig();
        if (access.kubeconfig === undefined) {
            config.loadFromDefault();
        } else if (isKubeconfigText(access.kubeconfig)) {
            config.loadFromString(access.kubeconfig);
        } else {
            config.loadFromFile(access.kubeconfig);
        }
        config.setCurrentContext(access.context);
        return new ObservedCluster(config.makeApiClient(kubernetes.CoreV1Api), config.makeApiClient(kubernetes.CustomObjectsApi), error =>
            error instanceof kubernetes.ApiException ? error.code : undefined,
        );
    }

    async hasServiceAccount(namespace: string, name: string): Promise<boolean> {
        return (await this.found(this.core.readNamespacedServiceAccount({ namespace, name }))) !== undefined;
    }

    /** The status of an InferenceService; empty until KServe has written one. */
    async serviceStatus(namespace: string, name: string): Promise<ServiceStatus> {
        const service: { status?: ServiceStatus } | undefined = await this.found(
            this.custom.getNamespacedCustomObject({
                group: "serving.kserve.io",
                version: "v1beta1",
                plural: "inferenceservices",
                namespace,
                name,
            }),
        );
        if (service === undefined) {
            throw new Error(`there is no InferenceService ${name} in namespace ${namespace}: something has removed it meanwhile`);
        }
        return service.status ?? {};
    }

    async revision(namespace: string, name: string | undefined): Promise<ObservedRevision | undefined> {
        if (name === undefined) {
            return undefined;
        }
        const revision: RevisionObject | undefined = await this.found(
            this.custom.getNamespacedCustomObject({ group: "serving.knative.dev", version: "v1", plural: "revisions", namespace, name }),
        );
        return revision && { name, annotations: revision.metadata.annotations ?? {}, conditions: revision.status?.conditions ?? [] };
    }

    /** Whether asking again may help: the connection broke, or the server is overloaded or starting. */
    mayPass(error: unknown): boolean {
        const status = this.statusOf(error);
        return status === 429 || (status ?? 0) >= 500 || (status === undefined && error instanceof Error && "cause" in error);
    }

    /** What the newest unready pod of a revision says of itself: why a container waits or ended, and its last line. */
    async lastPodMessage(namespace: string, revision: string): Promise<string | undefined> {
        for (const pod of (await this.pods(namespace, revision)).toSorted(newestFirst)) {
            const containers = [...(pod.status?.initContainerStatuses ?? []), ...(pod.status?.containerStatuses ?? [])];
            const unready = containers.find(container => !container.ready && container.state?.terminated?.exitCode !== 0);
            if (unready !== undefined) {
                const lastLine = await this.lastLogLine(namespace, pod.metadata?.name ?? "", unready.name);
                return `pod ${pod.metadata?.name}, container ${unready.name}: ${[describeState(unready), lastLine].filter(Boolean).join(": ")}`;
            }
        }
        return undefined;
    }

    private async pods(namespace: string, revision: string): Promise<V1Pod[]> {
        try {
            return (await this.core.listNamespacedPod({ namespace, labelSelector: `serving.knative.dev/revision=${revision}` })).items;
        } catch {
            // Who may deploy services need not be allowed to look at pods, and their message is only more detail.
            return [];
        }
    }

    private async lastLogLine(namespace: string, name: string, container: string): Promise<string | undefined> {
        try {
            const log = await this.core.readNamespacedPodLog({ namespace, name, container, tailLines: 1 });
            return log.trim() || undefined;
        } catch {
            // A container that has not started has no log, and a log is only more detail.
            return undefined;
        }
    }

    private async found<Found>(request: Promise<Found>): Promise<Found | undefined> {
        try {
            return await request;
        } catch (error) {
            if (this.statusOf(error) === 404) {
                return undefined;
            }
            throw error;
        }
    }
}

interface RevisionObject {
    readonly metadata: { readonly annotations?: Record<string, string> };
    readonly status?: { readonly conditions?: ObservedRevision["conditions"] };
}

const newestFirst = (a: V1Pod, b: V1Pod) =>
    (b.metadata?.creationTimestamp?.getTime() ?? 0) - (a.metadata?.creationTimestamp?.getTime() ?? 0);

function describeState({ state, lastState }: V1ContainerStatus): string | undefined {
    const ended = state?.terminated ?? lastState?.terminated;
    if (ended !== undefined) {
        return `ended with exit code ${ended.exitCode}${ended.message ? `: ${ended.message.trim()}` : ""}`;
    }
    return [state?.waiting?.reason, state?.waiting?.message].filter(Boolean).join(": ") || undefined;
}
