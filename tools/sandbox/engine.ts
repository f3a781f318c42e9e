import { accessSync, constants, mkdirSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join } from "node:path";
import { LocalWorkspace, type Stack } from "@pulumi/pulumi/automation";
import packageFile from "pulumi/package.json";

/**
 * Folder of the Pulumi CLI, if there is one on this machine: on PATH, or where the npm package `pulumi` keeps what it has fetched.
 * Not the package's own command, which npm puts first on PATH: it would start a download.
 */
export function findEngine(environment: NodeJS.ProcessEnv = process.env): string | undefined {
    const onPath = (environment.PATH ?? "").split(delimiter).filter(folder => !folder.includes(join("node_modules", ".bin")));
    const home = environment.PULUMI_HOME ?? join(homedir(), ".pulumi");
    const fetched = join(home, "versions", packageFile.version, "bin");
    return [...onPath, fetched].find(folder => folder !== "" && isExecutable(join(folder, "pulumi")));
}

function isExecutable(path: string): boolean {
    try {
        accessSync(path, constants.X_OK);
        return true;
    } catch {
        return false;
    }
}

/** The sandbox's stack in a file backend of its own, which is gone with the sandbox. */
export async function engineStack(engine: string, projectDir: string, stateDir: string, stack: string): Promise<Stack> {
    const backend = join(stateDir, "pulumi");
    mkdirSync(backend, { recursive: true });
    return LocalWorkspace.createOrSelectStack(
        { stackName: stack, workDir: projectDir },
        {
            envVars: {
                PATH: engine + delimiter + (process.env.PATH ?? ""),
                PULUMI_BACKEND_URL: `file://${backend}`,
                // The state holds the sandbox's own token and nothing else that is secret.
                PULUMI_CONFIG_PASSPHRASE: "",
                PULUMI_SKIP_UPDATE_CHECK: "true",
            },
        },
    );
}
