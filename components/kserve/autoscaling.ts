import { type Problem, wholeNumberProblems } from "../problems";

/** What Knative's autoscaler (KPA) counts. */
export enum ScaleMetric {
    /** Requests in flight per replica. */
    Concurrency = "concurrency",
    /** Requests per second per replica. */
    RequestsPerSecond = "rps",
}

/** How many replicas a service has, by Knative's pod autoscaler. */
export interface AutoscalingArgs {
    /**
     * Replicas at least; 0 lets an idle service go away and start again at the next request.
     * @default 1
     */
    minReplicas?: number;
    /**
     * Replicas at most; 0 is no limit.
     * @default 0
     */
    maxReplicas?: number;
    /**
     * What is counted.
     * @default ScaleMetric.Concurrency
     */
    metric?: ScaleMetric;
    /**
     * The count per replica that the autoscaler aims at, a whole number.
     * @default Knative's: 100 requests in flight, or 200 per second
     */
    target?: number;
    /**
     * Requests that a replica takes at once, at most; further ones wait in front of it. 0 is no limit.
     * @default 0
     */
    containerConcurrency?: number;
}

const MAX_INT32 = 2 ** 31 - 1;

/** Sources: KServe 0.20, `validateScalingKPACompExtension` and `validateReplicas` (component.go); Knative 1.21, config-defaults. */
export function autoscalingProblems(autoscaling: AutoscalingArgs, path: string): Problem[] {
    const { minReplicas = 1, maxReplicas = 0 } = autoscaling;
    const replicas = { min: 0, max: MAX_INT32 };
    const problems = [
        ...wholeNumberProblems(`${path}.minReplicas`, autoscaling.minReplicas, replicas, "give the replicas at least, 0 to scale to zero"),
        ...wholeNumberProblems(`${path}.maxReplicas`, autoscaling.maxReplicas, replicas, "give the replicas at most, 0 for no limit"),
        ...wholeNumberProblems(
            `${path}.target`,
            autoscaling.target,
            { min: 1, max: MAX_INT32 },
            "give the count per replica to aim at; KServe takes whole numbers only",
        ),
        // Knative: container-concurrency-max-limit.
        ...wholeNumberProblems(
            `${path}.containerConcurrency`,
            autoscaling.containerConcurrency,
            { min: 0, max: 1000 },
            "give the requests that a replica takes at once, 0 for no limit",
        ),
    ];
    const metrics: readonly string[] = Object.values(ScaleMetric);
    if (autoscaling.metric !== undefined && !metrics.includes(autoscaling.metric)) {
        problems.push({
            path: `${path}.metric`,
            found: autoscaling.metric,
            allowed: `one of ${metrics.join(", ")}`,
            remedy: "use what Knative's pod autoscaler counts",
        });
    }
    if (maxReplicas !== 0 && maxReplicas < minReplicas) {
        problems.push({
            path: `${path}.maxReplicas`,
            found: maxReplicas,
            allowed: `at least minReplicas, which is ${minReplicas}`,
            remedy: "raise maxReplicas, or use 0 for no limit",
        });
    }
    return problems;
}

/** What of autoscaling goes into `spec.predictor`. KServe hands the replicas and the target on as Knative's annotations. */
export function autoscalingPredictorFields(autoscaling: AutoscalingArgs) {
    return {
        minReplicas: autoscaling.minReplicas ?? 1,
        maxReplicas: autoscaling.maxReplicas ?? 0,
        scaleMetric: autoscaling.metric ?? ScaleMetric.Concurrency,
        ...(autoscaling.target === undefined ? {} : { scaleTarget: autoscaling.target }),
        ...(autoscaling.containerConcurrency === undefined ? {} : { containerConcurrency: autoscaling.containerConcurrency }),
    };
}
