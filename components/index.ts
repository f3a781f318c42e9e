// The public API of the library. Importing it registers nothing.

export { type AutoscalingArgs, ScaleMetric } from "./kserve/autoscaling";
export type { CanaryArgs } from "./kserve/canary";
export type { ClusterAccess } from "./kserve/clusterAccess";
export { TorchServeInferenceService, type TorchServeInferenceServiceArgs } from "./kserve/inferenceService";
export type { ServiceResourcesArgs, ServiceTimeoutsArgs } from "./kserve/inferenceServiceSpec";
export { InvalidConfiguration, type Problem } from "./problems";
export { ModelBucket, type ModelBucketArgs } from "./storage/modelBucket";
export { ModelStore, type ModelStoreArgs } from "./storage/modelStore";
export { ServingIdentity, type ServingIdentityArgs, type WorkloadIdentityArgs } from "./storage/servingIdentity";
export type { StoreContent, StoreModelArgs, StoreSource } from "./storage/storeContent";
export { ArchiveRuntime, type ModelArchiveArgs } from "./torchserve/archive";
export type { TorchServeConfigArgs } from "./torchserve/configProperties";
export { type TorchServeImageArgs, TorchServeRelease } from "./torchserve/images";
export type { ModelServingArgs } from "./torchserve/modelSnapshot";
export { TorchServeRuntime, type TorchServeRuntimeArgs } from "./torchserve/servingRuntime";
