import { existsSync } from "node:fs";
import { join } from "node:path";
import { Command } from "commander";
import { buildServers } from "../sandbox/cluster/build";
import { clusterStatus, downCluster, logsOf, resetCluster } from "../sandbox/cluster/cluster";
import { installGo } from "../sandbox/cluster/goToolchain";
import { SANDBOX_CONTEXT } from "../sandbox/cluster/kubeconfig";
import { stateFolder } from "../sandbox/cluster/stateFolder";
import { serviceReports } from "../sandbox/services";
import { upSandbox } from "../sandbox/up";
import { runningText, seconds, serversText, servicesText } from "./sandboxText";

interface SandboxOptions {
    readonly project: string;
    readonly state?: string;
}

const WITH_DEPS = "install what the system lacks to build the servers, which is Go, for the sandbox alone";

const say = (line: string) => console.log(line);

/** `kst sandbox`: a cluster on this machine, and the program deployed to it. */
export function sandboxCommand(): Command {
    const sandbox = new Command("sandbox").description("a cluster on this machine: real control planes, without containers or a cloud");
    const command = (name: string, description: string) =>
        sandbox
            .command(name)
            .description(description)
            .option("--project <dir>", "folder with Pulumi.yaml and Pulumi.sandbox.yaml", process.cwd())
            .option("--state <dir>", "folder of the sandbox's state (default: .sandbox in the project)");

    command("up", "start what does not run and deploy what has changed").option("--with-deps", WITH_DEPS).action(up);
    sandbox
        .command("build")
        .description("build the servers and start nothing; `up` does so too where they are not built")
        .option("--with-deps", WITH_DEPS)
        .action(build);
    command("status", "what runs, and each service as the cluster has it")
        .option("--json", "for programs")
        .action((options: SandboxOptions & { json?: boolean }) => status(options));
    command("logs", "the end of a server's log")
        .argument("<name>", "a server, as `status` names it")
        .action(
            (name: string, options: SandboxOptions) => void process.stdout.write(logsOf({ stateDir: stateDirOf(options), server: name })),
        );
    command("down", "stop all servers and keep what they know").action((options: SandboxOptions) =>
        downCluster({ stateDir: stateDirOf(options) }),
    );
    command("reset", "stop all servers and forget everything").action((options: SandboxOptions) =>
        resetCluster({ stateDir: stateDirOf(options) }),
    );
    return sandbox;
}

const stateDirOf = ({ project, state }: SandboxOptions) => state ?? join(project, ".sandbox");

async function build({ withDeps }: { withDeps?: boolean }): Promise<void> {
    if (withDeps) {
        await installGo(say);
    }
    await buildServers({ onLine: say });
}

async function up(options: SandboxOptions & { withDeps?: boolean }): Promise<void> {
    const started = performance.now();
    if (options.withDeps) {
        await installGo(say);
    }
    const interrupted = new AbortController();
    process.once("SIGINT", () => interrupted.abort(new Error("stopped; the next run goes on from here")));
    const sandbox = await upSandbox({
        projectDir: options.project,
        stateDir: stateDirOf(options),
        onLine: line => console.log(`    ${line}`),
        onPhase: (name, milliseconds) => console.log(`${seconds(milliseconds).padStart(7)}  ${name}`),
        signal: interrupted.signal,
    });
    console.log(`\n${runningText(sandbox, performance.now() - started)}`);
}

async function status(options: SandboxOptions & { json?: boolean }): Promise<void> {
    const stateDir = stateDirOf(options);
    const servers = clusterStatus({ stateDir });
    const { kubeconfig } = stateFolder(stateDir);
    const runs = servers.every(server => server.pid !== undefined) && existsSync(kubeconfig);
    const services = runs ? await serviceReports(kubeconfig, SANDBOX_CONTEXT) : {};
    if (options.json) {
        console.log(JSON.stringify({ running: runs, services }, undefined, 2));
    } else {
        console.log(
            `${serversText(servers)}\n\n${runs ? servicesText(services) : "The sandbox does not run; `kst sandbox up` starts it."}`,
        );
    }
    process.exitCode = runs ? 0 : 1;
}
