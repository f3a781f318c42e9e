import { setTimeout as delay } from "node:timers/promises";
import type * as dynamic from "@pulumi/pulumi/dynamic";
import type { ClusterAccess } from "../kserve/clusterAccess";
import { DECLARATION_ANNOTATION } from "../kserve/inferenceServiceSpec";
import { ObservedCluster } from "../kserve/observedCluster";
import { type Declaration, percentByRevision, readinessVerdict, type Verdict } from "../kserve/readiness";

interface GateInputs {
    cluster: ClusterAccess;
    namespace: string;
    service: string;
    serviceUid: string;
    serviceAccountName: string;
    declaration: string;
    trafficPercent: number;
    timeoutSeconds: number;
}

/** How often the cluster is asked: at once in the beginning, when most services are ready within a second, and seldom in the end. */
const POLL_MILLISECONDS = { first: 250, factor: 1.3, last: 2000 };

/** How long a failure that may be of an earlier declaration has to stand: KServe looks at a change within a second. */
const FAILURE_STANDS_MILLISECONDS = 10_000;

/** What of the inputs asks for a new answer. How to reach the cluster and how long to wait do not. */
const ASKED = ["namespace", "service", "serviceUid", "serviceAccountName", "declaration", "trafficPercent"] as const;

/** Pulumi's dynamic provider of `ReadinessGate`. */
export const provider: dynamic.ResourceProvider<GateInputs> = {
    async diff(_id, olds, news) {
        return { changes: ASKED.some(key => olds[key] !== news[key]) };
    },
    async create(inputs) {
        return { id: `${inputs.namespace}/${inputs.service}`, outs: { ...asked(inputs), ...(await waitUntilServing(inputs)) } };
    },
    async update(_id, _olds, news) {
        return { outs: { ...asked(news), ...(await waitUntilServing(news)) } };
    },
};

const asked = (inputs: GateInputs) => Object.fromEntries(ASKED.map(key => [key, inputs[key]]));

async function waitUntilServing(inputs: GateInputs) {
    const cluster = await ObservedCluster.connect(inputs.cluster);
    const { namespace, service } = inputs;
    const declared: Declaration = { digest: inputs.declaration, trafficPercent: inputs.trafficPercent };

    if (!(await cluster.hasServiceAccount(namespace, inputs.serviceAccountName))) {
        throw new Error(
            `service ${service}: there is no service account ${inputs.serviceAccountName} in namespace ${namespace}, and KServe would ` +
                "fetch the model anonymously without a word; take the name from a ServingIdentity",
        );
    }
    const deadline = Date.now() + inputs.timeoutSeconds * 1000;
    let failingSince: number | undefined;
    for (let wait = POLL_MILLISECONDS.first; ; wait = Math.min(wait * POLL_MILLISECONDS.factor, POLL_MILLISECONDS.last)) {
        const { verdict, newest } = await observe(cluster, inputs, declared);
        if (verdict.state === "ready") {
            return { url: verdict.url, revision: verdict.revision, traffic: percentByRevision(verdict.traffic) };
        }
        failingSince = verdict.state === "failed" ? (failingSince ?? Date.now()) : undefined;
        const isOver = Date.now() > deadline;
        const hasFailed =
            verdict.state === "failed" && (!verdict.mayPass || Date.now() - (failingSince ?? 0) > FAILURE_STANDS_MILLISECONDS);
        if (hasFailed || isOver) {
            const waited = hasFailed ? "" : `, after ${inputs.timeoutSeconds} s`;
            const pod = newest && (await cluster.lastPodMessage(namespace, newest));
            throw new Error(`service ${service} does not serve what was declared${waited}: ${verdict.reason}${pod ? `; ${pod}` : ""}`);
        }
        await delay(wait);
    }
}

/** One look at the cluster. That it did not answer is no verdict on the service: it is asked again. */
async function observe(
    cluster: ObservedCluster,
    { namespace, service }: GateInputs,
    declared: Declaration,
): Promise<{ verdict: Verdict; newest?: string }> {
    try {
        const status = await cluster.serviceStatus(namespace, service);
        const newest = await cluster.revision(namespace, status.components?.predictor?.latestCreatedRevision);
        const isDeclared = newest?.annotations[DECLARATION_ANNOTATION] === declared.digest;
        return { verdict: readinessVerdict(status, newest, declared), ...(newest && isDeclared ? { newest: newest.name } : {}) };
    } catch (error) {
        if (!cluster.mayPass(error)) {
            throw error;
        }
        return {
            verdict: { state: "waiting", reason: `the API server does not answer: ${error instanceof Error ? error.message : error}` },
        };
    }
}
