import { KubeConfig } from "@kubernetes/client-node";
import { type Properties, reveal } from "./property";
import type { RegisteredResource } from "./registeredResource";

export interface SandboxServers {
    /** Path of the kubeconfig of the sandbox's cluster. */
    readonly kubeconfig: string;
    readonly context: string;
    /** URL of the object store, on the loopback. */
    readonly objectStore: string;
}

/** The program's providers. None is started; each must mean the sandbox's own servers. */
export class Providers {
    private readonly inputs = new Map<string, Properties>();

    constructor(private readonly servers: SandboxServers) {}

    add(resource: RegisteredResource): void {
        switch (resource.type) {
            case "pulumi:providers:kubernetes":
                this.checkCluster(resource.inputs);
                break;
            case "pulumi:providers:gcp":
                this.checkObjectStore(resource.inputs);
                break;
            case "pulumi:providers:random":
                break;
            default:
                throw new Error(`the sandbox cannot run ${resource.type}; it needs the Pulumi CLI`);
        }
        this.inputs.set(resource.urn, resource.inputs);
    }

    /** A text among a provider's inputs. */
    text(provider: string | undefined, name: string): string | undefined {
        const value = reveal(this.inputs.get(provider ?? "")?.[name] ?? null);
        return typeof value === "string" ? value : undefined;
    }

    private checkCluster(inputs: Properties): void {
        if (inputs.renderYamlToDirectory !== undefined) {
            throw new Error("renderYamlToDirectory needs the Pulumi CLI");
        }
        const text = (name: string) => {
            const value = reveal(inputs[name] ?? null);
            return typeof value === "string" ? value : undefined;
        };
        const [kubeconfig, context, cluster] = [text("kubeconfig"), text("context"), text("cluster")];
        const own = serverOf(this.servers.kubeconfig, this.servers.context);
        // A context without a file is one of whatever file is ambient; only the sandbox's own name is safe to believe.
        const named =
            kubeconfig === undefined
                ? context === undefined || context === this.servers.context
                    ? own
                    : context
                : serverOf(kubeconfig, context);
        if (named !== own || (cluster !== undefined && cluster !== clusterNameOf(this.servers.kubeconfig, this.servers.context))) {
            throw new Error(
                `this provider names another cluster (${cluster ?? named ?? context}) than the sandbox's (context ${this.servers.context}); the sandbox deploys only to its own`,
            );
        }
    }

    private checkObjectStore(inputs: Properties): void {
        const endpoint = reveal(inputs.storageCustomEndpoint ?? null);
        if (typeof endpoint === "string" && new URL(endpoint).host !== new URL(this.servers.objectStore).host) {
            throw new Error(`this provider names another object store (${endpoint}) than the sandbox's (${this.servers.objectStore})`);
        }
    }
}

/** A provider's `kubeconfig` is a path or the text itself. */
function load(kubeconfig: string, context: string | undefined): KubeConfig {
    const config = new KubeConfig();
    if (/[\n{]/.test(kubeconfig)) {
        config.loadFromString(kubeconfig);
    } else {
        config.loadFromFile(kubeconfig);
    }
    if (context !== undefined) {
        config.setCurrentContext(context);
    }
    return config;
}

function serverOf(kubeconfig: string, context: string | undefined): string | undefined {
    return load(kubeconfig, context).getCurrentCluster()?.server;
}

function clusterNameOf(kubeconfig: string, context: string): string | undefined {
    return load(kubeconfig, context).getCurrentCluster()?.name;
}
