import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { InvalidConfiguration } from "../../../components/problems";
import { BINARIES } from "./binaries";
import { leastGo } from "./serverSources";

const run = promisify(execFile);

/**
 * Checks that the Go on PATH builds the servers, by asking it inside the module that wants the newest: Go 1.21 and newer then fetch the
 * toolchain that a module asks for, unless told not to (GOTOOLCHAIN, https://go.dev/doc/toolchain).
 */
export async function requireGo(servers: string): Promise<void> {
    const least = leastGo(servers);
    for (const module of new Set(BINARIES.map(binary => binary.module))) {
        try {
            await run("go", ["env", "GOVERSION"], { cwd: join(servers, module) });
        } catch (error) {
            throw new InvalidConfiguration([
                {
                    path: "Go",
                    found: await versionFound(error),
                    allowed: `Go ${least} or newer, which the sandbox's servers are built with`,
                    remedy: [
                        "install it from https://go.dev/dl (Debian 12's own is too old) and run this again.",
                        "Without it no sandbox: what needs no cluster works all the same, that is the component library,",
                        "`pulumi preview` and `pulumi up` to a cluster of yours, and the tests of the pure and component layers",
                    ].join("\n"),
                },
            ]);
        }
    }
}

async function versionFound(failure: unknown): Promise<string | undefined> {
    if ((failure as NodeJS.ErrnoException).code === "ENOENT") {
        return undefined;
    }
    const { stdout } = await run("go", ["env", "GOVERSION"], { cwd: "/" });
    return stdout.trim();
}
