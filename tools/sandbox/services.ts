import { CustomObjectsApi, KubeConfig } from "@kubernetes/client-node";
import { percentByRevision, type ServiceStatus } from "../../components/kserve/readiness";

/** What a service is and where, as the cluster has it. */
export interface ServiceReport {
    /** As KServe itself reports it. */
    readonly ready: boolean;
    /** Why not, in KServe's words. */
    readonly reason?: string;
    readonly url?: string;
    readonly storageUri?: string;
    /** Version of the model store; absent for a store made by other means. */
    readonly digest?: string;
    readonly runtime?: string;
    /** Revisions that Knative keeps, oldest first. */
    readonly revisions: readonly string[];
    /** Percent of the traffic by revision. */
    readonly traffic: Readonly<Record<string, number>>;
}

interface KubernetesList<Item> {
    readonly items: readonly Item[];
}

interface InferenceService {
    readonly metadata: { readonly name: string };
    readonly spec: { readonly predictor: { readonly model?: { readonly storageUri?: string; readonly runtime?: string } } };
    readonly status?: ServiceStatus;
}

interface Revision {
    readonly metadata: { readonly name: string; readonly labels?: Readonly<Record<string, string>> };
}

/** All inference services of the cluster, by name. */
export async function serviceReports(kubeconfig: string, context: string): Promise<Record<string, ServiceReport>> {
    const config = new KubeConfig();
    config.loadFromFile(kubeconfig);
    config.setCurrentContext(context);
    const api = config.makeApiClient(CustomObjectsApi);
    const list = async <Item>(group: string, version: string, plural: string): Promise<readonly Item[]> => {
        const answer: KubernetesList<Item> = await api.listCustomObjectForAllNamespaces({ group, version, resourcePlural: plural });
        return answer.items;
    };
    const services = await list<InferenceService>("serving.kserve.io", "v1beta1", "inferenceservices");
    const revisions = await list<Revision>("serving.knative.dev", "v1", "revisions");
    return Object.fromEntries(services.map(service => [service.metadata.name, serviceReport(service, revisions)]));
}

function serviceReport({ metadata, spec, status }: InferenceService, revisions: readonly Revision[]): ServiceReport {
    const ready = status?.conditions?.find(condition => condition.type === "Ready");
    const isReady = ready?.status === "True";
    const { storageUri, runtime } = spec.predictor.model ?? {};
    const digest = storageUri?.match(/\/([0-9a-f]{32})$/)?.[1];
    const unready = status?.conditions?.find(condition => condition.status === "False" && condition.message) ?? ready;
    const own = revisions.filter(revision => revision.metadata.labels?.["serving.kserve.io/inferenceservice"] === metadata.name);
    return {
        ready: isReady,
        ...(isReady
            ? {}
            : {
                  reason:
                      [unready?.type, unready?.reason, unready?.message].filter(Boolean).join(": ") || "KServe has not looked at it yet",
              }),
        ...(status?.url === undefined ? {} : { url: status.url }),
        ...(storageUri === undefined ? {} : { storageUri }),
        ...(digest === undefined ? {} : { digest }),
        ...(runtime === undefined ? {} : { runtime }),
        revisions: own.map(revision => revision.metadata.name).toSorted(),
        traffic: percentByRevision(status?.components?.predictor?.traffic ?? []),
    };
}
