import { ApiException, CoreV1Api, KubeConfig } from "@kubernetes/client-node";
import { parse } from "yaml";
import { z } from "zod";
import type { SandboxAddresses } from "./stackFile";

const stackFile = z.looseObject({ config: z.looseObject({ "kserve-torchserve:namespace": z.string() }) });

/** Makes the namespace that a stack file names, as a platform team does on a real cluster: a service stack makes none. */
export async function ensureNamespace(stackFileText: string, { kubeconfig, context }: SandboxAddresses): Promise<string> {
    const { config } = stackFile.parse(parse(stackFileText));
    const name = config["kserve-torchserve:namespace"];
    const kubernetes = new KubeConfig();
    kubernetes.loadFromFile(kubeconfig);
    kubernetes.setCurrentContext(context);
    try {
        await kubernetes.makeApiClient(CoreV1Api).createNamespace({ body: { metadata: { name } } });
    } catch (error) {
        if (!(error instanceof ApiException && error.code === 409)) {
            throw error;
        }
    }
    return name;
}
