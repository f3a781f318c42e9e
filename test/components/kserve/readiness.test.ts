import { describe, expect, it } from "vitest";
import { DECLARATION_ANNOTATION } from "../../../components/kserve/inferenceServiceSpec";
import {
    type Condition,
    type ObservedRevision,
    readinessVerdict,
    type ServiceStatus,
    type TrafficTarget,
} from "../../../components/kserve/readiness";

const declared = { digest: "new", trafficPercent: 100 };
const ready: Condition[] = [{ type: "Ready", status: "True" }];

const revision = (name: string, digest: string, conditions: Condition[] = []): ObservedRevision => ({
    name,
    annotations: { [DECLARATION_ANNOTATION]: digest },
    conditions,
});

interface RolledOut {
    latestRolledoutRevision?: string;
    previousRolledoutRevision?: string;
}

function status(
    created: string,
    latestReady: string,
    traffic: TrafficTarget[],
    conditions: Condition[] = ready,
    rolledOut: RolledOut = {},
): ServiceStatus {
    return {
        url: "http://digits.models.example.com",
        conditions,
        components: { predictor: { latestCreatedRevision: created, latestReadyRevision: latestReady, traffic, ...rolledOut } },
    };
}

describe("whether the declared version is the one that serves", () => {
    it("is ready when its revision is the newest, is ready and has the traffic", () => {
        const serving = status("r2", "r2", [{ revisionName: "r2", percent: 100, latestRevision: true }]);
        expect(readinessVerdict(serving, revision("r2", "new"), declared)).toMatchObject({ state: "ready", revision: "r2" });
    });

    it.each<[string, ServiceStatus, ObservedRevision | undefined]>([
        ["there is no status yet", {}, undefined],
        [
            "Ready=True still stands from the revision before",
            status("r1", "r1", [{ revisionName: "r1", percent: 100 }]),
            revision("r1", "old"),
        ],
        ["the new revision is not ready", status("r2", "r1", [{ revisionName: "r1", percent: 100 }]), revision("r2", "new")],
        ["traffic has not moved", status("r2", "r2", [{ revisionName: "r1", percent: 100 }]), revision("r2", "new")],
        [
            "the route is not ready",
            status("r2", "r2", [{ revisionName: "r2", percent: 100 }], [{ type: "Ready", status: "Unknown" }]),
            revision("r2", "new"),
        ],
        ["the revision was read before KServe named it", status("r3", "r3", [{ revisionName: "r3", percent: 100 }]), revision("r2", "new")],
    ])("waits while %s", (_, observed, newest) => {
        expect(readinessVerdict(observed, newest, declared).state).toBe("waiting");
    });

    it("wants exactly the declared share of a canary", () => {
        const shared = (percent: number) =>
            readinessVerdict(
                status(
                    "r2",
                    "r2",
                    [
                        { revisionName: "r2", percent, latestRevision: true },
                        { revisionName: "r1", percent: 100 - percent, tag: "prev" },
                    ],
                    ready,
                    { latestRolledoutRevision: "r1" },
                ),
                revision("r2", "new"),
                { digest: "new", trafficPercent: 20 },
            ).state;
        expect([0, 10, 20, 50, 100].map(shared)).toEqual(["waiting", "waiting", "ready", "waiting", "waiting"]);
    });

    it("takes all of the traffic for a first deployment, whose percent KServe ignores", () => {
        const first = status("r1", "r1", [{ revisionName: "r1", percent: 100 }], ready, { latestRolledoutRevision: "r1" });
        expect(readinessVerdict(first, revision("r1", "new"), { digest: "new", trafficPercent: 20 }).state).toBe("ready");
    });

    it.each([0, 20])("waits for KServe to lower a promoted revision to %d percent, though its old share still stands", trafficPercent => {
        const promoted = { latestRolledoutRevision: "r2", previousRolledoutRevision: "r1" };
        const stale = status("r2", "r2", [{ revisionName: "r2", percent: 100 }], ready, promoted);
        expect(readinessVerdict(stale, revision("r2", "new"), { digest: "new", trafficPercent }).state).toBe("waiting");
    });

    it("tells what it waits for, the part before the whole and the failed before the unknown", () => {
        const conditions: Condition[] = [
            { type: "Ready", status: "False", reason: "PredictorNotReady" },
            { type: "RoutesReady", status: "Unknown", reason: "Uninitialized" },
            { type: "PredictorReady", status: "False", reason: "RevisionFailed", message: "0/1 nodes are available" },
        ];
        expect(readinessVerdict({ conditions }, undefined, declared)).toEqual({
            state: "waiting",
            reason: "PredictorReady: RevisionFailed: 0/1 nodes are available",
        });
    });
});

describe("what waiting does not mend", () => {
    it("is a spec that KServe refuses", () => {
        const refused: ServiceStatus = {
            modelStatus: {
                transitionStatus: "InvalidSpec",
                lastFailureInfo: { reason: "RuntimeNotRecognized", message: "Waiting for runtime to become available" },
            },
        };
        expect(readinessVerdict(refused, undefined, declared)).toEqual({
            state: "failed",
            reason: "KServe refuses the service: RuntimeNotRecognized: Waiting for runtime to become available",
            mayPass: true,
        });
    });

    it("is a Knative Service that Knative's webhook refuses", () => {
        const message =
            'admission webhook "validation.webhook.serving.knative.dev" denied the request: validation failed: expected 0 <= 150 <= 100';
        const refused: ServiceStatus = { conditions: [{ type: "PredictorReady", status: "False", reason: "ReconcileFailed", message }] };
        expect(readinessVerdict(refused, undefined, declared).state).toBe("failed");
    });

    it("is a revision of this declaration that Knative has given up, but not one of an earlier declaration", () => {
        const conditions: Condition[] = [
            { type: "Ready", status: "False", reason: "ProgressDeadlineExceeded", message: "no progress in 600 s" },
        ];
        expect(readinessVerdict({}, revision("r2", "new", conditions), declared)).toEqual({
            state: "failed",
            reason: "Knative gave revision r2 up: no progress in 600 s",
            mayPass: false,
        });
        expect(readinessVerdict({}, revision("r1", "old", conditions), declared).state).toBe("waiting");
    });
});
