import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { deployProgram } from "./deploy/deploy";
import { engineStack, findEngine } from "./engine";
import { type SandboxAddresses, sandboxStackFile } from "./stackFile";

export const SANDBOX_STACK = "sandbox";

export interface SandboxDeploymentOptions {
    readonly projectDir: string;
    readonly stateDir: string;
    /** Path of the project's stack file. */
    readonly template: string;
    readonly addresses: SandboxAddresses;
    /** A line for a person: what is made, changed, removed. */
    readonly onLine: (line: string) => void;
    readonly signal?: AbortSignal;
}

/** How many resources of the program were what. */
export interface DeploymentSummary {
    /** What deployed: Pulumi's engine, or the sandbox itself where there is no CLI. */
    readonly by: string;
    readonly created: number;
    readonly updated: number;
    readonly deleted: number;
    readonly unchanged: number;
    /** Stores and gates, of which only their own code can tell whether anything had to be done. */
    readonly asked: number;
}

/** Brings the program to the sandbox, with the real engine where there is one. */
export async function deployToSandbox(options: SandboxDeploymentOptions): Promise<DeploymentSummary> {
    const configFile = join(options.stateDir, `Pulumi.${SANDBOX_STACK}.yaml`);
    writeFileSync(configFile, sandboxStackFile(readFileSync(options.template, "utf8"), options.addresses));
    const engine = findEngine();
    return engine === undefined ? deployWithoutEngine(options, configFile) : deployWithEngine(engine, options, configFile);
}

/** Deploys with a stack file that has the addresses of the sandbox in it. */
export async function deployWithoutEngine(
    options: Pick<SandboxDeploymentOptions, "projectDir" | "addresses" | "onLine" | "signal">,
    configFile: string,
): Promise<DeploymentSummary> {
    const { projectDir, addresses, onLine, signal } = options;
    const { changes } = await deployProgram({
        projectDir,
        stack: SANDBOX_STACK,
        configFile,
        target: addresses,
        ...(signal === undefined ? {} : { signal }),
        onEvent: event => {
            if (event.kind === "resource" && event.phase === "apply" && (event.change === "created" || event.change === "updated")) {
                onLine(`${event.change} ${event.resource}`);
            } else if (event.kind === "removed") {
                onLine(`removed ${event.what}`);
            } else if (event.kind === "log") {
                onLine(event.message);
            }
        },
    });
    return {
        by: "the sandbox itself, since no Pulumi CLI is on this machine",
        created: changes.created.length,
        updated: changes.updated.length,
        deleted: changes.deleted.length,
        unchanged: changes.unchanged.length,
        asked: changes.asked.length,
    };
}

async function deployWithEngine(engine: string, options: SandboxDeploymentOptions, configFile: string): Promise<DeploymentSummary> {
    const stack = await engineStack(engine, options.projectDir, options.stateDir, SANDBOX_STACK);
    const { summary } = await stack.up({
        configFile,
        color: "never",
        suppressOutputs: true,
        onOutput: text =>
            text
                .split("\n")
                .filter(line => /^\s*[-+~@]/.test(line))
                .forEach(options.onLine),
        ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const changes = summary.resourceChanges ?? {};
    return {
        by: `Pulumi's engine, from ${engine}`,
        created: changes.create ?? 0,
        updated: (changes.update ?? 0) + (changes.replace ?? 0),
        deleted: changes.delete ?? 0,
        unchanged: changes.same ?? 0,
        asked: 0,
    };
}
