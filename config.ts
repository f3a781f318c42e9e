import { existsSync } from "node:fs";
import { homedir } from "node:os";
import { join, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { z } from "zod";
import { ScaleMetric } from "./components/kserve/autoscaling";
import { isKubeconfigText } from "./components/kserve/clusterAccess";
import { serviceNameProblems, serviceProblems } from "./components/kserve/inferenceServiceSpec";
import { type Problem, refuse } from "./components/problems";
import { modelBucketProblems } from "./components/storage/modelBucketSettings";
import { storeSourceProblems } from "./components/storage/storeContent";
import { workloadIdentityProblems } from "./components/storage/workloadIdentity";
import { ArchiveRuntime, type ModelArchiveArgs, mapArchivePaths } from "./components/torchserve/archive";
import type { TorchServeConfigArgs } from "./components/torchserve/configProperties";
import { handlerReleaseProblems } from "./components/torchserve/handlers";
import { DEFAULT_RELEASE, imageProblems, TorchServeRelease } from "./components/torchserve/images";
import type { ModelServingArgs } from "./components/torchserve/modelSnapshot";

/** What a stack is for; it decides what is protected. */
export enum Environment {
    /** Destroyed with all its models when it is no longer wanted. */
    Dev = "dev",
    /** As prod, but for its bucket: a destroy is refused only while models are in it. */
    Staging = "staging",
    /** Its bucket is protected and outlives the stack, and its images are named by digest. */
    Prod = "prod",
}

/** A shape that has exactly the keys of a component's argument: one that is missing or too many here does not compile. */
type ShapeOf<Args> = Record<keyof Args, z.ZodType>;

const archive = z.strictObject({
    modelName: z.string().optional(),
    version: z.string().optional(),
    handler: z.string().optional(),
    modelFile: z.string().optional(),
    serializedFile: z.string().optional(),
    extraFiles: z.array(z.string()).optional(),
    requirementsFile: z.string().optional(),
    configFile: z.string().optional(),
    archive: z.string().optional(),
    runtime: z.enum(ArchiveRuntime).optional(),
} satisfies ShapeOf<ModelArchiveArgs>);

const serving = z.strictObject({
    minWorkers: z.number().optional(),
    maxWorkers: z.number().optional(),
    batchSize: z.number().optional(),
    responseTimeoutSeconds: z.number().optional(),
    startupTimeoutSeconds: z.number().optional(),
} satisfies ShapeOf<ModelServingArgs>);

const torchServe = z.strictObject({
    jobQueueSize: z.number().optional(),
    nettyThreads: z.number().optional(),
    maxRequestBytes: z.number().optional(),
    maxResponseBytes: z.number().optional(),
} satisfies ShapeOf<TorchServeConfigArgs>);

const service = z.strictObject({
    name: z.string(),
    store: z.strictObject({
        content: z
            .strictObject({ models: z.array(z.strictObject({ archive, serving: serving.optional() })), torchServe: torchServe.optional() })
            .optional(),
        version: z.string().optional(),
        uri: z.string().optional(),
    }),
    resources: z.strictObject({ cpu: z.string().optional(), memory: z.string().optional() }).optional(),
    autoscaling: z
        .strictObject({
            minReplicas: z.number().optional(),
            maxReplicas: z.number().optional(),
            metric: z.enum(ScaleMetric).optional(),
            target: z.number().optional(),
            containerConcurrency: z.number().optional(),
        })
        .optional(),
    canary: z.strictObject({ trafficPercent: z.number().optional(), tagRouting: z.boolean().optional() }).optional(),
    timeouts: z.strictObject({ requestSeconds: z.number().optional(), progressDeadlineSeconds: z.number().optional() }).optional(),
    readyTimeoutSeconds: z.number().optional(),
});

/** The keys of a stack file, `kserve-torchserve:KEY`. Their ranges and meaning stand with the components that they are for. */
const stackConfig = z.strictObject({
    environment: z.enum(Environment),
    cluster: z.strictObject({ context: z.string().min(1), kubeconfig: z.string().optional() }),
    gcp: z.strictObject({ project: z.string(), storageEndpoint: z.url().optional() }),
    namespace: z.string(),
    bucket: z.strictObject({ location: z.string(), softDeleteDays: z.number().optional() }).optional(),
    identity: z
        .strictObject({ workloadIdentity: z.strictObject({ project: z.string(), projectNumber: z.string() }).optional() })
        .optional(),
    runtime: z
        .strictObject({
            image: z
                .strictObject({
                    release: z.enum(TorchServeRelease).optional(),
                    repository: z.string().optional(),
                    digest: z.string().optional(),
                })
                .optional(),
        })
        .optional(),
    services: z.array(service),
});

export type StackConfig = z.infer<typeof stackConfig>;

/** Arguments of the gcp provider. An endpoint without TLS is an emulator on this machine, which takes any token. */
export function googleCloudArgs({ project, storageEndpoint }: StackConfig["gcp"]) {
    return {
        project,
        ...(storageEndpoint === undefined ? {} : { storageCustomEndpoint: `${storageEndpoint.replace(/\/+$/, "")}/storage/v1/` }),
        ...(storageEndpoint?.startsWith("http://") ? { accessToken: "none" } : {}),
    };
}

/** The configuration of the running stack, or all that is wrong with it, before any resource is declared. */
export function readStackConfig(): StackConfig {
    const prefix = `${pulumi.getProject()}:`;
    const values = Object.entries(pulumi.runtime.allConfig())
        .filter(([key]) => key.startsWith(prefix))
        .map(([key, value]) => [key.slice(prefix.length), /^[[{]/.test(value) ? JSON.parse(value) : value]);
    return parseStackConfig(Object.fromEntries(values), pulumi.getStack(), pulumi.getRootDirectory());
}

/** Checks the values of a stack file; paths in it are relative to `root`, the folder that it is in, and come out absolute. */
export function parseStackConfig(values: Record<string, unknown>, stack: string, root: string): StackConfig {
    const parsed = stackConfig.safeParse(values);
    refuse(parsed.error?.issues.flatMap(issue => schemaProblems(issue, values)) ?? []);
    const config = withAbsolutePaths(stackConfig.parse(values), root);
    refuse([...stackProblems(config, stack), ...config.services.flatMap((_, index) => serviceConfigProblems(config, index))]);
    return config;
}

function stackProblems(config: StackConfig, stack: string): Problem[] {
    const problems = imageProblems(config.runtime?.image ?? {}, "runtime.image");
    const label = /^[a-z]([-a-z0-9]{0,38}[a-z0-9])?$/;
    if (!label.test(stack)) {
        problems.push({
            path: "(the stack's name)",
            found: stack,
            allowed: "at most 40 lower case letters, digits and hyphens that start with a letter",
            remedy: "rename the stack; Kubernetes objects are named after it",
        });
    }
    if (!/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/.test(config.namespace)) {
        problems.push({
            path: "namespace",
            found: config.namespace,
            allowed: "the name of a Kubernetes namespace",
            remedy: "name one that exists",
        });
    }
    if (config.environment === Environment.Prod && config.runtime?.image?.digest === undefined) {
        problems.push({
            path: "runtime.image.digest",
            found: undefined,
            allowed: "enough in a prod stack",
            remedy: "add the digest that your registry shows for the image, so that nobody can exchange it",
        });
    }
    if (config.bucket !== undefined && config.identity?.workloadIdentity === undefined) {
        problems.push({
            path: "identity.workloadIdentity",
            found: undefined,
            allowed: "enough to read a private bucket",
            remedy: "add the workload identity that the services run as, or use stores by uri and no bucket",
        });
    }
    const { workloadIdentity } = config.identity ?? {};
    return [
        ...problems,
        ...(config.bucket === undefined ? [] : modelBucketProblems(config.bucket, "bucket")),
        ...(workloadIdentity === undefined ? [] : workloadIdentityProblems(workloadIdentity, "identity.workloadIdentity")),
    ];
}

function serviceConfigProblems({ services, bucket, runtime }: StackConfig, index: number): Problem[] {
    const service = services[index];
    if (service === undefined) {
        return [];
    }
    const path = `services[${index}]`;
    const first = services.findIndex(other => other.name === service.name);
    const taken: Problem = {
        path: `${path}.name`,
        found: service.name,
        allowed: `a name of its own; services[${first}] has it`,
        remedy: "rename one of them",
    };
    return [
        ...(first < index ? [taken] : []),
        ...serviceNameProblems(service.name, `${path}.name`),
        ...storeSourceProblems(service.store, bucket !== undefined, `${path}.store`),
        ...missingFiles(service, path),
        ...(service.store.content?.models ?? []).flatMap(({ archive }, model) =>
            handlerReleaseProblems(
                archive.handler,
                runtime?.image?.release ?? DEFAULT_RELEASE,
                `${path}.store.content.models[${model}].archive.handler`,
            ),
        ),
        ...serviceProblems(service, path),
    ];
}

function missingFiles(service: StackConfig["services"][number], path: string): Problem[] {
    const problems: Problem[] = [];
    service.store.content?.models.forEach(({ archive }, index) => {
        mapArchivePaths(archive, (file, member) => {
            if (!existsSync(file)) {
                problems.push({
                    path: `${path}.store.content.models[${index}].archive.${member}`,
                    found: file,
                    allowed: "a file or folder that exists",
                    remedy: "correct the path; it is relative to the stack file",
                });
            }
            return file;
        });
    });
    return problems;
}

function withAbsolutePaths(config: StackConfig, root: string): StackConfig {
    const absolute = (path: string) => resolve(root, path);
    const { kubeconfig } = config.cluster;
    return {
        ...config,
        cluster: {
            ...config.cluster,
            ...(kubeconfig === undefined ? {} : { kubeconfig: isKubeconfigText(kubeconfig) ? kubeconfig : absolute(fromHome(kubeconfig)) }),
        },
        services: config.services.map(({ store, ...service }) => ({
            ...service,
            store: store.content
                ? {
                      ...store,
                      content: {
                          ...store.content,
                          models: store.content.models.map(m => ({ ...m, archive: mapArchivePaths(m.archive, absolute) })),
                      },
                  }
                : store,
        })),
    };
}

const fromHome = (path: string) => (path.startsWith("~/") ? join(homedir(), path.slice(2)) : path);

/** A mistake of shape in our words: zod knows what it expected, and the values what was found. */
function schemaProblems(issue: z.core.$ZodIssue, values: unknown): Problem[] {
    const path = issue.path.reduce<string>(
        (text, key) => (typeof key === "number" ? `${text}[${key}]` : `${text}${text && "."}${String(key)}`),
        "",
    );
    const found = issue.path.reduce<unknown>((value, key) => (isRecord(value) ? value[String(key)] : undefined), values);
    switch (issue.code) {
        case "unrecognized_keys":
            return issue.keys.map(key => ({
                path: path ? `${path}.${key}` : key,
                found: isRecord(found) ? found[key] : undefined,
                allowed: "a key that is known here",
                remedy: "correct or remove it",
            }));
        case "invalid_type":
            return [{ path, found, allowed: `a value of type ${issue.expected}`, remedy: found === undefined ? "add it" : "correct it" }];
        case "invalid_value":
            return [{ path, found, allowed: `one of ${issue.values.join(", ")}`, remedy: "use one of these" }];
        default:
            return [{ path, found, allowed: `valid (${issue.message})`, remedy: "correct it" }];
    }
}

function isRecord(value: unknown): value is Record<string, unknown> {
    return typeof value === "object" && value !== null;
}
