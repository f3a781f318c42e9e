import { contentDigest } from "../contentDigest";
import { imageReference, type TorchServeImageArgs } from "./images";

/** What a serving runtime is made from. */
export interface ServingRuntimeInput {
    readonly image: TorchServeImageArgs;
}

/**
 * The spec of our own ServingRuntime. KServe's built-in one is pinned to TorchServe 0.9 and about to be removed (kserve#5638), and
 * it is shared: whoever edits it changes every service at once.
 */
export function servingRuntimeSpec({ image }: ServingRuntimeInput) {
    return {
        annotations: { "prometheus.kserve.io/port": "8082", "prometheus.kserve.io/path": "/metrics" },
        // Services name their runtime; an auto-selected one of the same priority as KServe's would be refused by its webhook.
        supportedModelFormats: [{ name: "pytorch", version: "1", autoSelect: false }],
        protocolVersions: ["v1", "v2", "grpc-v2"],
        containers: [
            {
                name: "kserve-container",
                image: imageReference(image),
                args: [
                    "torchserve",
                    "--start",
                    "--model-store=/mnt/models/model-store",
                    "--ts-config=/mnt/models/config/config.properties",
                ],
                env: [
                    // KServe replaces the placeholder by the envelope of the service's protocol (SetTorchServeDefaults).
                    { name: "TS_SERVICE_ENVELOPE", value: "{{.Labels.serviceEnvelope}}" },
                    // The wrapper asks for the models this often and this many times. Its default, every 30 s, adds up to 30 s to
                    // each cold start, and after ten times it never gets ready (kserve#4181). How long a start may take is for
                    // Knative's progress deadline to say, a day at most. 0.9 does not ask.
                    { name: "MODEL_LOAD_DELAY", value: "2" },
                    { name: "MODEL_LOAD_MAX_TRY", value: "43200" },
                ],
                resources: {
                    requests: { cpu: "1", memory: "2Gi" },
                    limits: { cpu: "1", memory: "2Gi" },
                },
                securityContext: {
                    runAsUser: 1000,
                    runAsNonRoot: true,
                    allowPrivilegeEscalation: false,
                    privileged: false,
                    capabilities: { drop: ["ALL"] },
                    seccompProfile: { type: "RuntimeDefault" },
                },
            },
        ],
    };
}

/** The runtime's name in the cluster, with a digest of its spec: a changed runtime is a new one, which a canary can try. */
export function servingRuntimeName(name: string, spec: ReturnType<typeof servingRuntimeSpec>): string {
    return `${name}-${contentDigest(spec).slice(0, 8)}`;
}
