import { Agent, request } from "node:https";

/** A Kubernetes object as it is written, any kind. */
export interface KubeObject {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: {
        readonly name: string;
        readonly namespace?: string;
        readonly labels?: Readonly<Record<string, string>>;
        readonly annotations?: Readonly<Record<string, string>>;
    };
    readonly [field: string]: unknown;
}

export interface KubeAnswer {
    readonly status: number;
    readonly body: unknown;
}

/** Kinds that the cluster is made of, and where the API has them. */
const RESOURCES: Readonly<Record<string, string>> = {
    ClusterStorageContainer: "clusterstoragecontainers",
    ConfigMap: "configmaps",
    CustomResourceDefinition: "customresourcedefinitions",
    Deployment: "deployments",
    InferenceService: "inferenceservices",
    MutatingWebhookConfiguration: "mutatingwebhookconfigurations",
    Namespace: "namespaces",
    Node: "nodes",
    Secret: "secrets",
    Service: "services",
    ServingRuntime: "servingruntimes",
    ServiceAccount: "serviceaccounts",
    ValidatingWebhookConfiguration: "validatingwebhookconfigurations",
};

/** Where the API has all objects of this one's kind and namespace. */
export function collectionPath(object: KubeObject): string {
    const resource = RESOURCES[object.kind];
    if (resource === undefined) {
        throw new Error(`the sandbox does not know where the API has objects of kind ${object.kind}`);
    }
    const group = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    const namespace = object.metadata.namespace === undefined ? "" : `/namespaces/${object.metadata.namespace}`;
    return `${group}${namespace}/${resource}`;
}

/**
 * The API server, asked without a client library: installing a cluster needs four verbs, and the manifests must arrive as they are
 * written. @kubernetes/client-node's typed serializer drops the `x-kubernetes-*` fields of a plain CRD, and loading it takes longer
 * than asking whether a running cluster is well.
 */
export class KubeApi {
    private readonly agent: Agent;

    constructor(
        private readonly port: number,
        private readonly token: string,
        certificateAuthority: string,
    ) {
        this.agent = new Agent({ keepAlive: true, ca: certificateAuthority });
    }

    ask(method: "GET" | "POST" | "PATCH" | "DELETE", path: string, body?: unknown, contentType = "application/json"): Promise<KubeAnswer> {
        const content = body === undefined ? undefined : JSON.stringify(body);
        return new Promise((resolve, reject) => {
            const asked = request(
                {
                    agent: this.agent,
                    host: "127.0.0.1",
                    port: this.port,
                    method,
                    path,
                    timeout: 30_000,
                    headers: {
                        authorization: `Bearer ${this.token}`,
                        accept: "application/json",
                        ...(content === undefined ? {} : { "content-type": contentType, "content-length": Buffer.byteLength(content) }),
                    },
                },
                response => {
                    const parts: Buffer[] = [];
                    response.on("data", (part: Buffer) => parts.push(part));
                    response.on("error", reject);
                    response.on("end", () => {
                        const text = Buffer.concat(parts).toString();
                        resolve({ status: response.statusCode ?? 0, body: parse(text) });
                    });
                },
            );
            asked.on("timeout", () => asked.destroy(new Error(`the API server did not answer ${method} ${path} within 30 s`)));
            asked.on("error", reject);
            asked.end(content);
        });
    }

    /** Makes the object as it is written here, whether it exists or not, and takes over fields that something else has set. */
    async apply(object: KubeObject): Promise<void> {
        const path = `${collectionPath(object)}/${object.metadata.name}?fieldManager=kserve-torchserve-sandbox&force=true`;
        const answer = await this.ask("PATCH", path, object, "application/apply-patch+yaml");
        if (answer.status >= 300) {
            throw new Error(`the API server refused ${object.kind} ${object.metadata.name}: ${messageOf(answer)}`);
        }
    }

    /** Gives nothing for an object that does not exist. */
    async get(path: string): Promise<unknown> {
        const answer = await this.ask("GET", path);
        if (answer.status === 404) {
            return undefined;
        }
        if (answer.status >= 300) {
            throw new Error(`the API server refused ${path}: ${messageOf(answer)}`);
        }
        return answer.body;
    }

    close(): void {
        this.agent.destroy();
    }
}

function parse(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        // /readyz and the like answer in plain text.
        return text;
    }
}

function messageOf(answer: KubeAnswer): string {
    const { body } = answer;
    const message = typeof body === "object" && body !== null && "message" in body ? body.message : body;
    return `${answer.status} ${typeof message === "string" ? message : JSON.stringify(message)}`;
}
