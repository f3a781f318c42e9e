import { type Bounds, type Problem, wholeNumberProblems } from "../problems";

/** What of TorchServe's config.properties makes sense to choose in a pod of KServe; the rest is fixed by how KServe runs it. */
export interface TorchServeConfigArgs {
    /**
     * Requests that may wait for a worker, per model; further ones are answered 503.
     * @default 100
     */
    jobQueueSize?: number;
    /**
     * Threads of the HTTP front end.
     * @default TorchServe's own: as many as the pod sees processors
     */
    nettyThreads?: number;
    /**
     * Bytes of a request at most.
     * @default 6553500
     */
    maxRequestBytes?: number;
    /**
     * Bytes of a response at most.
     * @default 6553500
     */
    maxResponseBytes?: number;
}

/** What of config.properties follows from the models rather than from a choice. */
export interface ConfigPropertiesInput {
    readonly config: TorchServeConfigArgs;
    /** One line of JSON, from `modelSnapshot`. */
    readonly snapshot: string;
    /** Whether an archive brings requirements, which TorchServe then installs when it starts. */
    readonly installRequirements: boolean;
}

const MAX_INT = 2 ** 31 - 1;

// Each is a Java int in TorchServe (frontend/server, ConfigManager.java); it stops with a NumberFormatException above.
const BOUNDS: { readonly [Key in keyof Required<TorchServeConfigArgs>]: Bounds & { readonly remedy: string } } = {
    jobQueueSize: { min: 1, max: MAX_INT, remedy: "give the number of requests that may wait per model" },
    nettyThreads: { min: 1, max: 1024, remedy: "give the number of threads, or leave it out for one per processor" },
    maxRequestBytes: { min: 1024, max: MAX_INT, remedy: "give bytes" },
    // A response above it does not fail alone, it kills the worker that made it: no bound that an error message would not fit into.
    maxResponseBytes: { min: 1024, max: MAX_INT, remedy: "give bytes" },
};

export function torchServeConfigProblems(config: TorchServeConfigArgs, path: string): Problem[] {
    return (Object.keys(BOUNDS) as (keyof TorchServeConfigArgs)[]).flatMap(key =>
        wholeNumberProblems(`${path}.${key}`, config[key], BOUNDS[key], BOUNDS[key].remedy),
    );
}

/**
 * The text of `config/config.properties`, read by two parsers: TorchServe's (Java properties) and the KServe wrapper's (split at
 * the first `=`, also in comments, so there are none).
 *
 * `service_envelope` is left to KServe, which sets it by environment for the protocol of the service (kserve#2441).
 */
export function configProperties({ config, snapshot, installRequirements }: ConfigPropertiesInput): string {
    const properties: readonly (readonly [key: string, value: string | number | boolean | undefined])[] = [
        // Only the wrapper, in the same container, speaks to these; the management API is nobody else's business.
        ["inference_address", "http://127.0.0.1:8085"],
        ["management_address", "http://127.0.0.1:8085"],
        // Prometheus scrapes the pod, so this one listens on every address of the pod.
        ["metrics_address", "http://0.0.0.0:8082"],
        ["grpc_inference_port", 7070],
        ["grpc_management_port", 7071],
        ["enable_metrics_api", true],
        // The default, `log`, leaves /metrics empty since 0.8 (serve#2573).
        ["metrics_mode", "prometheus"],
        // KServe passes the envelope and the protocol by environment.
        ["enable_envvars_config", true],
        // On by default since 0.11.1; the wrapper has no token and would never get ready (serve#3301). 0.9 does not know the key.
        ["disable_token_authorization", true],
        ["install_py_dep_per_model", installRequirements],
        ["number_of_netty_threads", config.nettyThreads],
        ["job_queue_size", config.jobQueueSize ?? 100],
        ["max_request_size", config.maxRequestBytes ?? 6_553_500],
        ["max_response_size", config.maxResponseBytes ?? 6_553_500],
        ["model_store", "/mnt/models/model-store"],
        ["model_snapshot", snapshot],
    ];
    return properties
        .filter(([, value]) => value !== undefined)
        .map(([key, value]) => `${key}=${value}\n`)
        .join("");
}
