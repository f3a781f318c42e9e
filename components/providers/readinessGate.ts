import { setTimeout as delay } from "node:timers/promises";
import type * as dynamic from "@pulumi/pulumi/dynamic";
import type { ClusterAccess } from "../kserve/clusterAccess";
import { ObservedCluster } from "../kserve/observedCluster";
import { type Declaration, percentByRevision, readinessVerdict } from "../kserve/readiness";

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

const POLL_MILLISECONDS = 250;

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
    for (;;) {
        const status = await cluster.serviceStatus(namespace, service);
        const newest = await cluster.revision(namespace, status.components?.predictor?.latestCreatedRevision);
        const verdict = readinessVerdict(status, newest, declared);
        if (verdict.state === "ready") {
            return { url: verdict.url, revision: verdict.revision, traffic: percentByRevision(verdict.traffic) };
        }
        if (verdict.state === "failed" || Date.now() > deadline) {
            const waited = verdict.state === "failed" ? "" : `, after ${inputs.timeoutSeconds} s`;
            const pod = newest && (await cluster.lastPodMessage(namespace, newest.name));
            throw new Error(`service ${service} does not serve what was declared${waited}: ${verdict.reason}${pod ? `; ${pod}` : ""}`);
        }
        await delay(POLL_MILLISECONDS);
    }
}
