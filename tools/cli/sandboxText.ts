import type { ServerStatus } from "../sandbox/cluster/cluster";
import type { ServiceReport } from "../sandbox/services";
import type { RunningSandbox } from "../sandbox/up";

/** What `kst sandbox up` leaves on the screen: what it made, where that is, what to do next. */
export function runningText({ cluster, namespace, deployment, services }: RunningSandbox, elapsedMilliseconds: number): string {
    const { created, updated, deleted, unchanged, asked } = deployment;
    return [
        `Deployed by ${deployment.by}: ${created} created, ${updated} updated, ${deleted} removed, ${unchanged} unchanged${asked > 0 ? `, ${asked} asked` : ""}.`,
        "",
        servicesText(services),
        "",
        `  kubectl       kubectl --kubeconfig ${cluster.kubeconfig} --namespace ${namespace} get inferenceservices`,
        `  object store  ${cluster.objectStore}`,
        `  ingress       ${cluster.ingress}`,
        "",
        "Next: change a model, `minWorkers` or a canary in Pulumi.sandbox.yaml and run this again: it does only what has changed.",
        "      `npx kst sandbox status`, `logs NAME`, `down` and `reset` do what they say.",
        `${seconds(elapsedMilliseconds)} in all.`,
    ].join("\n");
}

export function servicesText(services: Readonly<Record<string, ServiceReport>>): string {
    const entries = Object.entries(services);
    return entries.length === 0 ? "No services." : entries.map(([name, report]) => serviceText(name, report)).join("\n\n");
}

function serviceText(name: string, report: ServiceReport): string {
    const traffic = Object.entries(report.traffic).map(([revision, percent]) => `${percent}% ${revision}`);
    const rows: (readonly [string, string | undefined])[] = [
        ["url", report.url],
        ["model store", report.storageUri],
        ["runtime", report.runtime],
        ["traffic", traffic.join(", ")],
        ["revisions", report.revisions.join(", ")],
    ];
    return [
        `${name}: ${report.ready ? "ready, as KServe reports it" : `not ready: ${report.reason ?? "no reason given"}`}`,
        ...rows.filter(([, value]) => value).map(([label, value]) => `  ${label.padEnd(13)} ${value}`),
    ].join("\n");
}

export function serversText(servers: readonly ServerStatus[]): string {
    return servers.map(({ name, pid }) => `  ${name.padEnd(24)} ${pid === undefined ? "does not run" : `runs, pid ${pid}`}`).join("\n");
}

export const seconds = (milliseconds: number) => `${(milliseconds / 1000).toFixed(1)} s`;
