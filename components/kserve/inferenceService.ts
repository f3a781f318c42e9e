import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import * as pulumi from "@pulumi/pulumi";
import { type Problem, refuse } from "../problems";
import type { AutoscalingArgs } from "./autoscaling";
import type { CanaryArgs } from "./canary";
import type { ClusterAccess } from "./clusterAccess";
import {
    DECLARATION_ANNOTATION,
    inferenceServiceSpec,
    readySeconds,
    type ServiceResourcesArgs,
    type ServiceTimeoutsArgs,
    serviceAnnotations,
    serviceNameProblems,
    serviceProblems,
} from "./inferenceServiceSpec";
import { ReadinessGate } from "./readinessGate";

export interface TorchServeInferenceServiceArgs {
    /** Namespace of the service, and of its runtime and identity. */
    namespace: pulumi.Input<string>;
    /** Where the model store is: `ModelStore.storageUri`. */
    storageUri: pulumi.Input<string>;
    /** The runtime that serves it: `TorchServeRuntime.runtimeName`. */
    runtime: pulumi.Input<string>;
    /**
     * What the pods run as: `ServingIdentity.serviceAccountName`. A name written by hand is refused: KServe only logs that an account is
     * missing and fetches the model anonymously (KServe 0.20, service_account_credentials.go).
     */
    serviceAccountName: pulumi.Input<string>;
    /** The cluster that the service runs in, to ask it whether the service is ready. The provider cannot be asked. */
    cluster: pulumi.Input<ClusterAccess>;
    /**
     * What each replica gets.
     * @default 1 processor, 2Gi of memory
     */
    resources?: ServiceResourcesArgs;
    /**
     * How many replicas there are.
     * @default one at least, no limit, Knative's target
     */
    autoscaling?: AutoscalingArgs;
    /**
     * How much of the traffic a new revision gets.
     * @default all of it, once it is ready
     */
    canary?: CanaryArgs;
    /**
     * How long requests and starts may take.
     * @default Knative's
     */
    timeouts?: ServiceTimeoutsArgs;
    /**
     * Seconds that `up` waits for the declared version to serve before it fails.
     * @default `timeouts.progressDeadlineSeconds`, or Knative's 600, and a minute more
     */
    readyTimeoutSeconds?: number;
}

/**
 * A prediction endpoint: an InferenceService in Knative mode, and a gate that ends `up` only when the version it declares serves.
 *
 * `resources`, `autoscaling`, `canary` and `timeouts` are plain, so that they are checked before anything is touched.
 */
export class TorchServeInferenceService extends pulumi.ComponentResource {
    /** URL of the service, as KServe reports it. */
    readonly url: pulumi.Output<string>;
    /** The Knative revision made from this declaration. */
    readonly revision: pulumi.Output<string>;
    /** Percent of the traffic by revision. */
    readonly traffic: pulumi.Output<Record<string, number>>;

    constructor(name: string, args: TorchServeInferenceServiceArgs, opts?: pulumi.ComponentResourceOptions) {
        refuse(inferenceServiceProblems(name, args));
        // What a component is given is kept in the state too, and a kubeconfig can hold credentials.
        super("kserve-torchserve:index:TorchServeInferenceService", name, { ...args, cluster: pulumi.secret(args.cluster) }, opts);

        const references = pulumi.output({
            storageUri: args.storageUri,
            runtime: args.runtime,
            serviceAccountName: args.serviceAccountName,
        });
        const spec = references.apply(resolved => inferenceServiceSpec(args, resolved));
        const service = new CustomResource(
            name,
            {
                apiVersion: "serving.kserve.io/v1beta1",
                kind: "InferenceService",
                metadata: { name, namespace: args.namespace, annotations: serviceAnnotations(args) },
                spec,
            },
            { parent: this },
        );
        const gate = new ReadinessGate(
            `${name}-ready`,
            {
                cluster: args.cluster,
                namespace: args.namespace,
                service: service.metadata.name,
                serviceUid: service.metadata.uid,
                serviceAccountName: args.serviceAccountName,
                declaration: spec.predictor.annotations[DECLARATION_ANNOTATION],
                trafficPercent: args.canary?.trafficPercent ?? 100,
                timeoutSeconds: readySeconds(args),
            },
            { parent: this },
        );

        this.url = gate.url;
        this.revision = gate.revision;
        this.traffic = gate.traffic;
        this.registerOutputs({ url: this.url, revision: this.revision, traffic: this.traffic });
    }
}

function inferenceServiceProblems(name: string, args: TorchServeInferenceServiceArgs): Problem[] {
    const problems = [...serviceNameProblems(name, `${name} (name)`), ...serviceProblems(args, name)];
    if (typeof args.serviceAccountName === "string") {
        problems.push({
            path: `${name}.serviceAccountName`,
            found: args.serviceAccountName,
            allowed: "an account that this stack makes or checks",
            remedy: "use `serviceAccountName` of a ServingIdentity",
        });
    }
    return problems;
}
