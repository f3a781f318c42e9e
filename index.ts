import "./tools/build/refuseStaleOutput";
import { Provider as GoogleCloud } from "@pulumi/gcp/provider";
import { Provider as Kubernetes } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import { ModelBucket, ModelStore, ServingIdentity, TorchServeInferenceService, TorchServeRuntime } from "./components";
import { Environment, googleCloudArgs, readStackConfig } from "./config";

const { environment, cluster, gcp, namespace, ...config } = readStackConfig();
const stack = pulumi.getStack();

// A kubeconfig can be given as text, with credentials in it.
const kubeconfig = cluster.kubeconfig && pulumi.secret(cluster.kubeconfig);
const kubernetes = new Kubernetes("cluster", { context: cluster.context, kubeconfig, clusterIdentifier: cluster.context });
const google = new GoogleCloud("google", googleCloudArgs(gcp));

const identity = new ServingIdentity(`${stack}-serving`, { namespace, ...config.identity }, { provider: kubernetes });

const bucket =
    config.bucket &&
    new ModelBucket(
        `${stack}-models`,
        {
            ...config.bucket,
            reader: identity.principal,
            forceDestroy: environment === Environment.Dev,
            retain: environment === Environment.Prod,
        },
        { provider: google },
    );

const runtime = new TorchServeRuntime(`${stack}-torchserve`, { namespace, ...config.runtime }, { provider: kubernetes });

const deployed = config.services.map(({ name, store: source, ...settings }) => {
    const store = new ModelStore(name, { ...source, bucket: bucket?.bucketName, storageEndpoint: gcp.storageEndpoint });
    const service = new TorchServeInferenceService(
        name,
        {
            ...settings,
            namespace,
            cluster,
            storageUri: store.storageUri,
            runtime: runtime.runtimeName,
            serviceAccountName: identity.serviceAccountName,
        },
        { provider: kubernetes },
    );
    return { name, store, service };
});

/** What each service is and where: for people, other stacks and `kst`. */
export const services = Object.fromEntries(
    deployed.map(({ name, store, service }) => [
        name,
        {
            url: service.url,
            storageUri: store.storageUri,
            digest: store.digest,
            modelNames: store.modelNames,
            runtime: runtime.runtimeName,
            revision: service.revision,
            traffic: service.traffic,
        },
    ]),
);

/** The bucket that holds the model stores, if the stack has one. */
export const bucketName = bucket?.bucketName;
