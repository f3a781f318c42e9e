import { parseDocument } from "yaml";

/** Where a running sandbox is to be found. */
export interface SandboxAddresses {
    /** Path of the kubeconfig. */
    readonly kubeconfig: string;
    readonly context: string;
    /** URL of the object store. */
    readonly objectStore: string;
}

/**
 * The stack file that a deployment to the sandbox runs with: the project's, with the addresses of the running sandbox in it. Its ports
 * are whichever were free, so the project's own file cannot know them.
 */
export function sandboxStackFile(template: string, { kubeconfig, context, objectStore }: SandboxAddresses): string {
    const document = parseDocument(template);
    document.setIn(["config", "kserve-torchserve:cluster", "kubeconfig"], kubeconfig);
    document.setIn(["config", "kserve-torchserve:cluster", "context"], context);
    document.setIn(["config", "kserve-torchserve:gcp", "storageEndpoint"], objectStore);
    return document.toString();
}
