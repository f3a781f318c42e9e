import { stringify } from "yaml";

/** The name that a stack file gives as its context for the sandbox. */
export const SANDBOX_CONTEXT = "kserve-torchserve-sandbox";

export function renderKubeconfig(apiServer: string, token: string, certificateAuthority: string): string {
    return stringify({
        apiVersion: "v1",
        kind: "Config",
        clusters: [
            {
                name: SANDBOX_CONTEXT,
                cluster: { server: apiServer, "certificate-authority-data": Buffer.from(certificateAuthority).toString("base64") },
            },
        ],
        users: [{ name: SANDBOX_CONTEXT, user: { token } }],
        contexts: [{ name: SANDBOX_CONTEXT, context: { cluster: SANDBOX_CONTEXT, user: SANDBOX_CONTEXT } }],
        "current-context": SANDBOX_CONTEXT,
    });
}
