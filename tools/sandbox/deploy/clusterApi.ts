import { Agent, type RequestOptions, request } from "node:https";
import { setTimeout as delay } from "node:timers/promises";
import { KubeConfig } from "@kubernetes/client-node";
import { z } from "zod";

/** An object as the API server gives it. Read as plain JSON: typed clients drop the fields they do not know. */
export interface KubernetesObject {
    readonly apiVersion: string;
    readonly kind: string;
    readonly metadata: ObjectMetadata;
    readonly [field: string]: unknown;
}

export interface ObjectMetadata {
    readonly name: string;
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly managedFields?: readonly { readonly manager?: string; readonly operation?: string }[];
    readonly [field: string]: unknown;
}

/** A kind that the API server serves. */
export interface ServedKind {
    readonly apiVersion: string;
    readonly kind: string;
    /** Plural, as in paths. */
    readonly resource: string;
    readonly namespaced: boolean;
    readonly verbs: readonly string[];
}

/** What the API server refused, in its own words. */
export class ClusterError extends Error {
    constructor(
        readonly statusCode: number,
        message: string,
        /** Kubernetes' reason, e.g. `NotFound`. */
        readonly reason: string,
        /** What it is about, for telling a missing object from its missing namespace. */
        readonly details: { readonly kind?: string | undefined; readonly name?: string | undefined } = {},
    ) {
        super(message);
    }
}

const statusSchema = z.object({
    message: z.string().optional(),
    reason: z.string().optional(),
    details: z.object({ kind: z.string().optional(), name: z.string().optional() }).optional(),
});
const metadataSchema = z.looseObject({ name: z.string() });
const objectSchema = z.looseObject({ apiVersion: z.string(), kind: z.string(), metadata: metadataSchema });
const listSchema = z.object({ items: z.array(z.looseObject({ metadata: metadataSchema })) });
const resourcesSchema = z.object({
    resources: z.array(z.object({ name: z.string(), kind: z.string(), namespaced: z.boolean(), verbs: z.array(z.string()) })),
});
const groupsSchema = z.object({ groups: z.array(z.object({ preferredVersion: z.object({ groupVersion: z.string() }) })) });

/** How long a request may be put off in all. */
const PUT_OFF_MILLISECONDS = 30_000;

/** The few requests that applying and pruning need, to one cluster. */
export class ClusterApi {
    private readonly kinds = new Map<string, Promise<readonly ServedKind[]>>();

    private constructor(
        private readonly server: string,
        private readonly options: RequestOptions,
    ) {}

    /** `context` must be one of the file's; the ambient context is never used. */
    static async connect(kubeconfig: string, context: string): Promise<ClusterApi> {
        const config = new KubeConfig();
        config.loadFromFile(kubeconfig);
        if (config.getContextObject(context) === null) {
            throw new Error(`the kubeconfig ${kubeconfig} has no context ${context}`);
        }
        config.setCurrentContext(context);
        const server = config.getCurrentCluster()?.server;
        if (server === undefined) {
            throw new Error(`the context ${context} in ${kubeconfig} names no cluster`);
        }
        const options: RequestOptions = {};
        await config.applyToHTTPSOptions(options);
        const { ca, cert, key, rejectUnauthorized } = options;
        return new ClusterApi(server, { ...options, agent: new Agent({ keepAlive: true, ca, cert, key, rejectUnauthorized }) });
    }

    async get(kind: ServedKind, namespace: string | undefined, name: string): Promise<KubernetesObject | undefined> {
        try {
            return objectSchema.parse(await this.send("GET", pathOf(kind, namespace, name)));
        } catch (error) {
            if (error instanceof ClusterError && error.statusCode === 404) {
                return undefined;
            }
            throw error;
        }
    }

    /** Server-side apply. Source: https://kubernetes.io/docs/reference/using-api/server-side-apply/ */
    async apply(
        kind: ServedKind,
        object: KubernetesObject,
        options: { readonly fieldManager: string; readonly dryRun: boolean },
    ): Promise<KubernetesObject> {
        const query = new URLSearchParams({ fieldManager: options.fieldManager, ...(options.dryRun ? { dryRun: "All" } : {}) });
        const path = `${pathOf(kind, object.metadata.namespace, object.metadata.name)}?${query}`;
        return objectSchema.parse(await this.send("PATCH", path, object, "application/apply-patch+yaml"));
    }

    /** Objects of all namespaces that carry all these labels. */
    async list(kind: ServedKind, labels: Readonly<Record<string, string>>): Promise<KubernetesObject[]> {
        const labelSelector = Object.entries(labels)
            .map(([key, value]) => `${key}=${value}`)
            .join(",");
        const list = listSchema.parse(await this.send("GET", `${pathOf(kind)}?${new URLSearchParams({ labelSelector })}`));
        return list.items.map(item => ({ ...item, apiVersion: kind.apiVersion, kind: kind.kind }));
    }

    /** Its dependents go first, and it stays until they are gone. */
    async delete(kind: ServedKind, namespace: string | undefined, name: string): Promise<void> {
        try {
            await this.send("DELETE", `${pathOf(kind, namespace, name)}?propagationPolicy=Foreground`);
        } catch (error) {
            if (!(error instanceof ClusterError && error.statusCode === 404)) {
                throw error;
            }
        }
    }

    /** Undefined when the cluster does not serve it (yet): its CustomResourceDefinition is missing. */
    async kind(apiVersion: string, kind: string): Promise<ServedKind | undefined> {
        const cached = (await this.kinds.get(apiVersion))?.find(served => served.kind === kind);
        return cached ?? (await this.refresh(apiVersion)).find(served => served.kind === kind);
    }

    /** Every kind whose objects can be listed and deleted, each in its preferred version. */
    async allKinds(): Promise<ServedKind[]> {
        const { groups } = groupsSchema.parse(await this.send("GET", "/apis"));
        const versions = ["v1", ...groups.map(group => group.preferredVersion.groupVersion)];
        const kinds = await Promise.all(versions.map(version => this.refresh(version)));
        return kinds.flat().filter(kind => kind.verbs.includes("list") && kind.verbs.includes("delete"));
    }

    private refresh(apiVersion: string): Promise<readonly ServedKind[]> {
        const kinds = this.discover(apiVersion);
        this.kinds.set(apiVersion, kinds);
        return kinds;
    }

    private async discover(apiVersion: string): Promise<ServedKind[]> {
        try {
            const { resources } = resourcesSchema.parse(await this.send("GET", versionPath(apiVersion)));
            return resources
                .filter(resource => !resource.name.includes("/"))
                .map(({ name, ...rest }) => ({ ...rest, apiVersion, resource: name }));
        } catch (error) {
            // 503: an aggregated API whose server is away, e.g. metrics; nothing of a stack lives there.
            if (error instanceof ClusterError && (error.statusCode === 404 || error.statusCode === 503)) {
                return [];
            }
            throw error;
        }
    }

    /** As client-go does: what the API server puts off (429), e.g. while it opens a storage after a start, is asked again. */
    private async send(method: string, path: string, body?: unknown, contentType?: string): Promise<unknown> {
        const deadline = Date.now() + PUT_OFF_MILLISECONDS;
        for (;;) {
            try {
                return await this.sendOnce(method, path, body, contentType);
            } catch (error) {
                if (!(error instanceof ClusterError && error.statusCode === 429) || Date.now() > deadline) {
                    throw error;
                }
                await delay(250);
            }
        }
    }

    private sendOnce(method: string, path: string, body: unknown, contentType = "application/json"): Promise<unknown> {
        return new Promise((resolve, reject) => {
            const url = new URL(this.server.replace(/\/$/, "") + path);
            const headers = { ...this.options.headers, accept: "application/json", "content-type": contentType };
            const sent = request(url, { ...this.options, method, headers, timeout: 60_000 }, response => {
                const chunks: Buffer[] = [];
                response.on("data", chunk => chunks.push(chunk));
                response.on("error", reject);
                response.on("end", () => {
                    const text = Buffer.concat(chunks).toString("utf8");
                    const code = response.statusCode ?? 0;
                    if (code >= 200 && code < 300) {
                        resolve(JSON.parse(text));
                    } else {
                        reject(clusterError(code, text));
                    }
                });
            });
            sent.on("timeout", () => sent.destroy(new Error(`the cluster ${this.server} did not answer within 60 seconds`)));
            sent.on("error", (error: NodeJS.ErrnoException) =>
                reject(error.code === "ECONNREFUSED" ? new Error(`the cluster ${this.server} does not answer`) : error),
            );
            sent.end(body === undefined ? undefined : JSON.stringify(body));
        });
    }
}

function versionPath(apiVersion: string): string {
    return apiVersion.includes("/") ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
}

function pathOf(kind: ServedKind, namespace?: string, name?: string): string {
    const within = kind.namespaced && namespace !== undefined ? `/namespaces/${namespace}` : "";
    return `${versionPath(kind.apiVersion)}${within}/${kind.resource}${name === undefined ? "" : `/${name}`}`;
}

function clusterError(code: number, text: string): ClusterError {
    const parsed = statusSchema.safeParse(parseJson(text));
    const status = parsed.success ? parsed.data : {};
    return new ClusterError(code, status.message ?? `HTTP ${code}: ${text.slice(0, 200)}`, status.reason ?? "", status.details);
}

function parseJson(text: string): unknown {
    try {
        return JSON.parse(text);
    } catch {
        return undefined;
    }
}
