import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { buildServers } from "./cluster/build";
import { type RunningCluster, upCluster } from "./cluster/cluster";
import { type DeploymentSummary, deployToSandbox, SANDBOX_STACK } from "./deployment";
import { ensureNamespace } from "./namespace";
import { type ServiceReport, serviceReports } from "./services";

export interface UpSandboxOptions {
    /** The folder with Pulumi.yaml and Pulumi.sandbox.yaml. */
    readonly projectDir: string;
    readonly stateDir: string;
    /** A line of progress. */
    readonly onLine: (line: string) => void;
    /** A part that has ended. */
    readonly onPhase: (name: string, milliseconds: number) => void;
    readonly signal?: AbortSignal;
}

/** A sandbox that runs and what was deployed to it. */
export interface RunningSandbox {
    readonly cluster: RunningCluster;
    readonly namespace: string;
    readonly deployment: DeploymentSummary;
    readonly services: Readonly<Record<string, ServiceReport>>;
}

/** Builds what is not built, starts what does not run, deploys what has changed. Killed anywhere, the next run goes on from there. */
export async function upSandbox(options: UpSandboxOptions): Promise<RunningSandbox> {
    const { projectDir, onLine, onPhase, signal } = options;
    const stateDir = resolve(options.stateDir);
    const phase = async <T>(name: string, work: () => Promise<T>): Promise<T> => {
        const started = performance.now();
        const result = await work();
        onPhase(name, Math.round(performance.now() - started));
        return result;
    };
    const signalled = signal === undefined ? {} : { signal };

    await phase("servers are built", () => buildServers({ onLine, ...signalled }));
    const cluster = await phase("cluster runs", () =>
        upCluster({ stateDir, onPhase: ({ name, milliseconds }) => onPhase(`  ${name}`, milliseconds), ...signalled }),
    );
    const template = join(projectDir, `Pulumi.${SANDBOX_STACK}.yaml`);
    const namespace = await ensureNamespace(readFileSync(template, "utf8"), cluster);
    const deployment = await phase("services are deployed and ready", () =>
        deployToSandbox({ projectDir, stateDir, template, addresses: cluster, onLine, ...signalled }),
    );
    return { cluster, namespace, deployment, services: await serviceReports(cluster.kubeconfig, cluster.context) };
}
