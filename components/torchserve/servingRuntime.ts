import { CustomResource } from "@pulumi/kubernetes/apiextensions/customResource";
import * as pulumi from "@pulumi/pulumi";
import { refuse } from "../problems";
import { imageProblems, type TorchServeImageArgs } from "./images";
import { servingRuntimeName, servingRuntimeSpec } from "./servingRuntimeSpec";

export interface TorchServeRuntimeArgs {
    /** Namespace of the services that use the runtime. */
    namespace: pulumi.Input<string>;
    /**
     * The image of the model servers. Plain: the runtime's name carries a digest of it.
     * @default TorchServe 0.12.0 from Docker Hub
     */
    image?: TorchServeImageArgs;
}

/**
 * How KServe runs TorchServe in one namespace: a ServingRuntime that is never chosen by itself and never changes.
 *
 * Its name carries a digest of its spec. A changed runtime is therefore made beside the old one, services move to it as they move to
 * a new model, canary included, and the old one is removed after the last of them. Revisions that Knative keeps for a rollback
 * have their containers written out and do not need it.
 */
export class TorchServeRuntime extends pulumi.ComponentResource {
    /** The runtime's name in the cluster, for `TorchServeInferenceService`. */
    readonly runtimeName: pulumi.Output<string>;

    constructor(name: string, args: TorchServeRuntimeArgs, opts?: pulumi.ComponentResourceOptions) {
        const image = args.image ?? {};
        refuse(imageProblems(image, `${name}.image`));
        super("kserve-torchserve:index:TorchServeRuntime", name, args, opts);

        const spec = servingRuntimeSpec({ image });
        const runtime = new CustomResource(
            name,
            {
                apiVersion: "serving.kserve.io/v1alpha1",
                kind: "ServingRuntime",
                metadata: {
                    name: servingRuntimeName(name, spec),
                    namespace: args.namespace,
                    // Without it KServe (0.17 and later) sets neither PROTOCOL_VERSION nor the envelope: SetTorchServeDefaults.
                    annotations: { "serving.kserve.io/server-type": "torchserve" },
                },
                spec,
            },
            { parent: this },
        );

        this.runtimeName = runtime.metadata.name;
        this.registerOutputs({ runtimeName: this.runtimeName });
    }
}
