import { ServiceAccount } from "@pulumi/kubernetes/core/v1/serviceAccount";
import * as pulumi from "@pulumi/pulumi";
import { refuse } from "../problems";
import { serviceAccountPrincipal, workloadIdentityProblems } from "./workloadIdentity";

/** Workload Identity Federation for GKE, by direct principal: no Google service account, no key, no annotation. */
export interface WorkloadIdentityArgs {
    /** Id of the project of the GKE cluster, e.g. `acme-dev`: the workload identity pool is `PROJECT.svc.id.goog`. */
    project: pulumi.Input<string>;
    /** Number of the same project, e.g. `123456789012`: principals are made of it, not of the id. */
    projectNumber: pulumi.Input<string>;
}

export interface ServingIdentityArgs {
    /** Namespace of the services that run under this identity. */
    namespace: pulumi.Input<string>;
    /**
     * How the pods prove who they are to Cloud Storage. Plain: it decides whether there is a principal.
     * @default none: the pods are anonymous, which reads public buckets and volumes only
     */
    workloadIdentity?: WorkloadIdentityArgs;
}

/**
 * What the pods of a service run as: a Kubernetes service account of their own, and the IAM principal that it is to Google Cloud.
 *
 * A service account of its own even where the pods are anonymous, so that what is granted to the namespace's `default` account
 * does not reach model servers.
 */
export class ServingIdentity extends pulumi.ComponentResource {
    /** Name of the service account, for `TorchServeInferenceService`. Depends on it: KServe takes a missing one for anonymous. */
    readonly serviceAccountName: pulumi.Output<string>;
    /** The IAM principal to grant roles to; `undefined` for an anonymous identity. */
    readonly principal: pulumi.Output<string> | undefined;

    constructor(name: string, args: ServingIdentityArgs, opts?: pulumi.ComponentResourceOptions) {
        super("kserve-torchserve:index:ServingIdentity", name, args, opts);

        const account = new ServiceAccount(
            name,
            {
                metadata: { name, namespace: args.namespace },
                // A model server has no business with the Kubernetes API. Workload Identity does not use this token:
                // GKE's metadata server asks for its own.
                automountServiceAccountToken: false,
            },
            { parent: this },
        );

        this.serviceAccountName = account.metadata.name;
        this.principal =
            args.workloadIdentity &&
            principalOf(args.workloadIdentity, args.namespace, this.serviceAccountName, `${name}.workloadIdentity`);
        this.registerOutputs({ serviceAccountName: this.serviceAccountName, principal: this.principal });
    }
}

function principalOf(
    pool: WorkloadIdentityArgs,
    namespace: pulumi.Input<string>,
    serviceAccountName: pulumi.Input<string>,
    path: string,
): pulumi.Output<string> {
    return pulumi.output({ ...pool, namespace, serviceAccountName }).apply(account => {
        refuse(workloadIdentityProblems(account, path));
        return serviceAccountPrincipal(account);
    });
}
