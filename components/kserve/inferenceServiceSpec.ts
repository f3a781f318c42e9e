import { contentDigest } from "../contentDigest";
import { type Problem, wholeNumberProblems } from "../problems";
import { type AutoscalingArgs, autoscalingPredictorFields, autoscalingProblems } from "./autoscaling";
import { type CanaryArgs, canaryAnnotations, canaryPredictorFields, canaryProblems } from "./canary";

/** What each replica of a service gets, as request and as limit: a model server that is throttled or evicted helps no one. */
export interface ServiceResourcesArgs {
    /**
     * Processors, as a Kubernetes quantity.
     * @default 1
     */
    cpu?: string;
    /**
     * Memory, as a Kubernetes quantity. TorchServe's Java process and every worker's copy of the model have to fit.
     * @default 2Gi
     */
    memory?: string;
}

/** How long things may take. */
export interface ServiceTimeoutsArgs {
    /**
     * Seconds that Knative gives a request before it answers 504, 1 to 600.
     * @default Knative's: 300
     */
    requestSeconds?: number;
    /**
     * Seconds that a new revision has to become ready before Knative gives it up: download, start and loading of the model.
     * @default Knative's: 600
     */
    progressDeadlineSeconds?: number;
}

/** What of a service is plain data: everything that can be checked before anything is touched. */
export interface ServiceSettings {
    readonly readyTimeoutSeconds?: number;
    readonly resources?: ServiceResourcesArgs;
    readonly autoscaling?: AutoscalingArgs;
    readonly canary?: CanaryArgs;
    readonly timeouts?: ServiceTimeoutsArgs;
}

/** What of a service comes from other resources. */
export interface ServiceReferences {
    readonly storageUri: string;
    readonly runtime: string;
    readonly serviceAccountName: string;
}

/** Seconds to wait for a service: as long as Knative waits for its revision, 600 by default, and a minute for Knative to say why not. */
export function readySeconds({ readyTimeoutSeconds, timeouts }: ServiceSettings): number {
    return readyTimeoutSeconds ?? (timeouts?.progressDeadlineSeconds ?? 600) + 60;
}

/** Revisions carry the digest of what was declared, so that anyone can tell which declaration a revision comes from. */
export const DECLARATION_ANNOTATION = "kserve-torchserve.dev/declaration";

/** Sources: KServe 0.20 `validateInferenceServiceName`; the DNS label that Knative makes of a tagged URL, `latest-NAME-predictor`. */
export function serviceNameProblems(name: string, path: string): Problem[] {
    if (/^[a-z]([-a-z0-9]*[a-z0-9])?$/.test(name) && `latest-${name}-predictor`.length <= 63) {
        return [];
    }
    return [
        {
            path,
            found: name,
            allowed: "at most 46 lower case letters, digits and hyphens that start with a letter and do not end with a hyphen",
            remedy: "rename the service; its URL is made of the name",
        },
    ];
}

export function serviceProblems(settings: ServiceSettings, path: string): Problem[] {
    return [
        ...quantityProblems(settings.resources?.cpu, `${path}.resources.cpu`, "500m or 2"),
        ...quantityProblems(settings.resources?.memory, `${path}.resources.memory`, "512Mi or 4Gi"),
        ...autoscalingProblems(settings.autoscaling ?? {}, `${path}.autoscaling`),
        ...canaryProblems(settings.canary ?? {}, `${path}.canary`),
        // Knative: max-revision-timeout-seconds. It accepts 0 too, and then gives the request no time at all to answer.
        ...wholeNumberProblems(
            `${path}.timeouts.requestSeconds`,
            settings.timeouts?.requestSeconds,
            { min: 1, max: 600 },
            "give seconds; a longer one needs Knative's max-revision-timeout-seconds raised",
        ),
        ...wholeNumberProblems(
            `${path}.timeouts.progressDeadlineSeconds`,
            settings.timeouts?.progressDeadlineSeconds,
            { min: 1, max: 24 * 60 * 60 },
            "give the seconds that download, start and loading take at most",
        ),
        ...wholeNumberProblems(
            `${path}.readyTimeoutSeconds`,
            settings.readyTimeoutSeconds,
            { min: 1, max: 24 * 60 * 60 },
            "give the seconds that a deployment waits for the service",
        ),
    ];
}

/**
 * The annotations of the InferenceService. KServe copies them onto the revision's template, so each change of one is a new revision:
 * they follow from the declaration alone and carry nothing that varies from run to run.
 */
export function serviceAnnotations(settings: ServiceSettings): Readonly<Record<string, string>> {
    const deadline = settings.timeouts?.progressDeadlineSeconds;
    return {
        "serving.kserve.io/deploymentMode": "Knative",
        ...canaryAnnotations(settings.canary ?? {}),
        ...(deadline === undefined ? {} : { "serving.knative.dev/progress-deadline": `${deadline}s` }),
    };
}

/**
 * The spec of the InferenceService. Always `predictor.model` with an explicit runtime, never `predictor.pytorch`, which KServe's
 * webhook rewrites and so leaves a difference at every run (kserve#2232).
 */
export function inferenceServiceSpec(settings: ServiceSettings, references: ServiceReferences) {
    const resources = { cpu: settings.resources?.cpu ?? "1", memory: settings.resources?.memory ?? "2Gi" };
    const requestSeconds = settings.timeouts?.requestSeconds;
    const predictor = {
        serviceAccountName: references.serviceAccountName,
        ...autoscalingPredictorFields(settings.autoscaling ?? {}),
        ...(requestSeconds === undefined ? {} : { timeout: requestSeconds }),
        model: {
            modelFormat: { name: "pytorch" },
            runtime: references.runtime,
            protocolVersion: "v1",
            storageUri: references.storageUri,
            resources: { requests: resources, limits: resources },
        },
    };
    return {
        predictor: {
            ...predictor,
            ...canaryPredictorFields(settings.canary ?? {}),
            annotations: { [DECLARATION_ANNOTATION]: declarationDigest(settings, predictor) },
        },
    };
}

/**
 * Names everything that makes a revision and nothing that does not, which is the canary's percent alone. It is written where it makes
 * no revision of its own: it changes exactly when one is made anyway.
 */
function declarationDigest(settings: ServiceSettings, predictor: object): string {
    return contentDigest({ annotations: serviceAnnotations(settings), predictor }).slice(0, 16);
}

/** Source: the grammar of Kubernetes' resource.Quantity, without signs: a resource is not negative. */
function quantityProblems(found: string | undefined, path: string, examples: string): Problem[] {
    if (found === undefined || /^([0-9]+(\.[0-9]*)?|\.[0-9]+)(m|k|[KMGTPE]i?|[eE][+-]?[0-9]+)?$/.test(found)) {
        return [];
    }
    return [{ path, found, allowed: `a Kubernetes quantity such as ${examples}`, remedy: "write a number with an optional unit" }];
}
