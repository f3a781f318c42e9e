/** How to reach the cluster, for what asks it something that no Pulumi provider can be asked. */
export interface ClusterAccess {
    /** Context of the kubeconfig. Always named: whatever happens to be current is not where a stack belongs. */
    context: string;
    /**
     * Path of a kubeconfig, or its text.
     * @default the KUBECONFIG environment variable, or else ~/.kube/config
     */
    kubeconfig?: string;
}

/** Tells a kubeconfig's text from its path: YAML of more than a line, or JSON. */
export const isKubeconfigText = (kubeconfig: string) => kubeconfig.includes("\n") || kubeconfig.trimStart().startsWith("{");
