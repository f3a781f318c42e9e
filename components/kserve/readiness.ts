import { DECLARATION_ANNOTATION } from "./inferenceServiceSpec";

/** What of a Kubernetes condition matters here. */
export interface Condition {
    readonly type: string;
    readonly status: string;
    readonly reason?: string;
    readonly message?: string;
}

/** One target of a route, as KServe copies it from the Knative Service. */
export interface TrafficTarget {
    readonly revisionName?: string;
    readonly latestRevision?: boolean;
    readonly percent?: number;
    readonly tag?: string;
}

/** What of an InferenceService's status matters here. */
export interface ServiceStatus {
    readonly url?: string;
    readonly conditions?: readonly Condition[];
    readonly modelStatus?: {
        readonly transitionStatus?: string;
        readonly lastFailureInfo?: { readonly reason?: string; readonly message?: string };
    };
    readonly components?: {
        readonly predictor?: {
            readonly latestCreatedRevision?: string;
            readonly latestReadyRevision?: string;
            /** The last revision that has had all of the traffic. */
            readonly latestRolledoutRevision?: string;
            /** The one that had it before; what KServe goes back to when the share of the last one is lowered. */
            readonly previousRolledoutRevision?: string;
            readonly traffic?: readonly TrafficTarget[];
        };
    };
}

/** What of a Knative Revision matters here. */
export interface ObservedRevision {
    readonly name: string;
    readonly annotations: Readonly<Record<string, string>>;
    readonly conditions: readonly Condition[];
}

/** What was declared, and must be what serves. */
export interface Declaration {
    /** Digest of the declared spec, which the revision made from it carries. */
    readonly digest: string;
    /** Share of the newest revision in percent. */
    readonly trafficPercent: number;
}

export type Verdict =
    | { readonly state: "ready"; readonly url: string; readonly revision: string; readonly traffic: readonly TrafficTarget[] }
    | { readonly state: "waiting"; readonly reason: string }
    /** `mayPass`: the status does not say which declaration it is about, so that it may be a failure of an earlier one. */
    | { readonly state: "failed"; readonly reason: string; readonly mayPass: boolean };

/**
 * Whether the version that was declared is the one that serves.
 *
 * `Ready=True` alone does not say so: KServe leaves it standing from the revision before until it has looked at the change, and
 * `status.observedGeneration` is the Knative Service's, not the InferenceService's (kserve#6081). What cannot be stale is the newest
 * revision's own annotation: it is the digest of the declaration that the revision was made from.
 */
export function readinessVerdict(status: ServiceStatus, newest: ObservedRevision | undefined, declared: Declaration): Verdict {
    const failure = terminalFailure(status, newest, declared);
    if (failure !== undefined) {
        return { state: "failed", ...failure };
    }
    const predictor = status.components?.predictor;
    if (newest === undefined || newest.name !== predictor?.latestCreatedRevision) {
        return { state: "waiting", reason: describeConditions(status) ?? "KServe has made no revision yet" };
    }
    if (newest.annotations[DECLARATION_ANNOTATION] !== declared.digest) {
        return { state: "waiting", reason: describeConditions(status) ?? `revision ${newest.name} is of an earlier declaration` };
    }
    if (predictor.latestReadyRevision !== newest.name) {
        return { state: "waiting", reason: `revision ${newest.name} is not ready: ${describeRevision(newest) ?? "starting"}` };
    }
    const traffic = predictor.traffic ?? [];
    if (!servesDeclaredShare(predictor, newest.name, declared.trafficPercent)) {
        return { state: "waiting", reason: `revision ${newest.name} is ready, its traffic is still ${describeTraffic(traffic)}` };
    }
    const ready = status.conditions?.find(condition => condition.type === "Ready");
    if (ready?.status !== "True" || status.url === undefined) {
        return { state: "waiting", reason: describeConditions(status) ?? "the route is not ready" };
    }
    return { state: "ready", url: status.url, revision: newest.name, traffic };
}

/** Percent of the traffic by revision: a route can name one twice, as the latest and by its name. */
export function percentByRevision(traffic: readonly TrafficTarget[]): Record<string, number> {
    const shares: Record<string, number> = {};
    for (const { revisionName, percent } of traffic) {
        if (revisionName !== undefined) {
            shares[revisionName] = (shares[revisionName] ?? 0) + (percent ?? 0);
        }
    }
    return shares;
}

/** A failure that waiting does not mend. Everything else may still pass, until the gate's time is up. */
function terminalFailure(
    status: ServiceStatus,
    newest: ObservedRevision | undefined,
    declared: Declaration,
): { readonly reason: string; readonly mayPass: boolean } | undefined {
    if (status.modelStatus?.transitionStatus === "InvalidSpec") {
        const failure = status.modelStatus.lastFailureInfo;
        return {
            reason: `KServe refuses the service: ${failure?.reason ?? "InvalidSpec"}: ${failure?.message ?? "no message"}`,
            mayPass: true,
        };
    }
    const refused = status.conditions?.find(
        condition => condition.status === "False" && /denied the request|validation\.webhook/.test(condition.message ?? ""),
    );
    if (refused !== undefined) {
        return { reason: `Knative refuses what KServe made of the service: ${refused.message}`, mayPass: true };
    }
    if (newest?.annotations[DECLARATION_ANNOTATION] === declared.digest) {
        const given = newest.conditions.find(condition => condition.status === "False" && condition.reason === "ProgressDeadlineExceeded");
        if (given !== undefined) {
            return { reason: `Knative gave revision ${newest.name} up: ${given.message ?? given.reason}`, mayPass: false };
        }
    }
    return undefined;
}

type PredictorStatus = NonNullable<NonNullable<ServiceStatus["components"]>["predictor"]>;

/**
 * The newest revision has its declared share. All of it also satisfies a smaller one where no other revision has ever had the traffic,
 * so that there is none to share with: KServe ignores the percent of a first deployment (ksvc_reconciler.go).
 */
function servesDeclaredShare(predictor: PredictorStatus, revision: string, percent: number): boolean {
    const share = percentByRevision(predictor.traffic ?? [])[revision] ?? 0;
    const { latestRolledoutRevision, previousRolledoutRevision } = predictor;
    const isFirst = !previousRolledoutRevision && (!latestRolledoutRevision || latestRolledoutRevision === revision);
    return share === percent || (isFirst && share === 100);
}

function describeConditions(status: ServiceStatus): string | undefined {
    const unready = status.conditions?.filter(condition => condition.status !== "True" && (condition.reason || condition.message)) ?? [];
    const [first] = unready.toSorted((a, b) => rank(a) - rank(b));
    return first && `${first.type}: ${[first.reason, first.message].filter(Boolean).join(": ")}`;
}

/** What is False says more than what is Unknown, and a part says more than the whole. */
function rank(condition: Condition): number {
    return (condition.status === "False" ? 0 : 2) + (condition.type === "Ready" ? 1 : 0);
}

function describeRevision(revision: ObservedRevision): string | undefined {
    const [first] = revision.conditions
        .filter(condition => condition.status !== "True" && condition.message)
        .toSorted((a, b) => rank(a) - rank(b));
    return first && [first.reason, first.message].filter(Boolean).join(": ");
}

function describeTraffic(traffic: readonly TrafficTarget[]): string {
    return traffic.length === 0 ? "nowhere" : traffic.map(target => `${target.percent ?? 0}% ${target.revisionName ?? "?"}`).join(", ");
}
