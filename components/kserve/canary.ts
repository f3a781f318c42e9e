import { type Problem, wholeNumberProblems } from "../problems";

/** A share of traffic for the newest revision; the last one that had all of it gets the rest. */
export interface CanaryArgs {
    /**
     * Percent of requests, a whole number from 0 to 100. The first deployment of a service ignores it: there is nothing to share with.
     * @default 100
     */
    trafficPercent?: number;
    /**
     * Give each side a URL of its own (`latest-…`, `prev-…`). Switching it makes a new revision.
     * @default false
     */
    tagRouting?: boolean;
}

/**
 * Checks a canary before anything is touched. KServe itself accepts any number and Knative refuses it only at reconcile, which
 * leaves the service stuck with the old model.
 */
export function canaryProblems(canary: CanaryArgs, path: string): Problem[] {
    return wholeNumberProblems(
        `${path}.trafficPercent`,
        canary.trafficPercent,
        { min: 0, max: 100 },
        "give the newest revision's share in percent",
    );
}

/** What of a canary goes into `spec.predictor`. 100 percent is written as no field, which is how KServe stores a promotion. */
export function canaryPredictorFields(canary: CanaryArgs): { readonly canaryTrafficPercent?: number } {
    const percent = canary.trafficPercent ?? 100;
    return percent === 100 ? {} : { canaryTrafficPercent: percent };
}

/** What of a canary goes into the service's annotations. Source: KServe 0.20, `pkg/constants/constants.go`. */
export function canaryAnnotations(canary: CanaryArgs): Readonly<Record<string, string>> {
    return canary.tagRouting ? { "serving.kserve.io/enable-tag-routing": "true" } : {};
}
