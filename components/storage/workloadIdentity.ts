import type { Problem } from "../problems";

/** A Kubernetes service account and the workload identity pool that it belongs to. */
export interface PoolAccount {
    readonly project: string;
    readonly projectNumber: string;
    readonly namespace: string;
    readonly serviceAccountName: string;
}

/** Source: Google Cloud, "Creating and managing projects": what ids and numbers of projects are made of. */
export function workloadIdentityProblems(
    { project, projectNumber }: Pick<PoolAccount, "project" | "projectNumber">,
    path: string,
): Problem[] {
    const problems: Problem[] = [];
    if (!/^[a-z][-a-z0-9]{4,28}[a-z0-9]$/.test(project)) {
        problems.push({
            path: `${path}.project`,
            found: project,
            allowed: "a project's id, 6 to 30 lower case letters, digits and hyphens",
            remedy: "give the id of the cluster's project",
        });
    }
    if (!/^[0-9]+$/.test(projectNumber)) {
        problems.push({
            path: `${path}.projectNumber`,
            found: projectNumber,
            allowed: "a project's number",
            remedy: "give the number that `gcloud projects describe` shows, in quotes",
        });
    }
    return problems;
}

/** Source: Google Cloud, "About Workload Identity Federation for GKE", principal identifiers of a Kubernetes service account. */
export function serviceAccountPrincipal({ project, projectNumber, namespace, serviceAccountName }: PoolAccount): string {
    const pool = `projects/${projectNumber}/locations/global/workloadIdentityPools/${project}.svc.id.goog`;
    return `principal://iam.googleapis.com/${pool}/subject/ns/${namespace}/sa/${serviceAccountName}`;
}
