import * as pulumi from "@pulumi/pulumi";
import { ProviderResource } from "../dynamicProvider";
import type { ClusterAccess } from "./clusterAccess";

export interface ReadinessGateArgs {
    /** The cluster to ask. Secret: a kubeconfig can hold credentials. */
    cluster: pulumi.Input<ClusterAccess>;
    namespace: pulumi.Input<string>;
    /** Name of the InferenceService. */
    service: pulumi.Input<string>;
    /** Its uid: a service that was made anew is asked anew. */
    serviceUid: pulumi.Input<string>;
    /** Service account that its pods run as. */
    serviceAccountName: pulumi.Input<string>;
    /** Digest of the declared spec. */
    declaration: pulumi.Input<string>;
    /** Declared share of the newest revision in percent. */
    trafficPercent: pulumi.Input<number>;
    /** Seconds to wait. */
    timeoutSeconds: pulumi.Input<number>;
}

/**
 * Exists once the declared version of a service is the one that serves; its creation or update fails otherwise, with KServe's reason.
 *
 * A resource rather than a hook, because what failed is then not in the state, and the next `up` asks again though nothing changed.
 */
export class ReadinessGate extends ProviderResource {
    /** URL of the service, as KServe reports it. */
    declare readonly url: pulumi.Output<string>;
    /** The revision made from the declaration. */
    declare readonly revision: pulumi.Output<string>;
    /** Percent of the traffic by revision. */
    declare readonly traffic: pulumi.Output<Record<string, number>>;

    constructor(name: string, args: ReadinessGateArgs, opts: pulumi.CustomResourceOptions) {
        const computed = { url: undefined, revision: undefined, traffic: undefined };
        super("ReadinessGate", "readinessGate", name, { ...args, ...computed, cluster: pulumi.secret(args.cluster) }, opts);
    }
}
