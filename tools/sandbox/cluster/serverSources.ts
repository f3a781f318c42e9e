import { createHash } from "node:crypto";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { BINARIES } from "./binaries";

/** The folder of the servers' Go modules, which are not compiled with this file and so are looked for from the package's root. */
export function serversFolder(from: string = __dirname): string {
    const folder = join(from, "tools", "sandbox", "servers");
    if (existsSync(join(folder, "kserve", "go.mod"))) {
        return folder;
    }
    if (dirname(from) === from) {
        throw new Error("tools/sandbox/servers is missing from this installation of kserve-torchserve");
    }
    return serversFolder(dirname(from));
}

/** Stands for a module of the servers: its own sources, and the versions and checksums of all that it uses. */
export function moduleKey(servers: string, module: string): string {
    const hash = createHash("sha256");
    for (const file of filesBelow(join(servers, module))) {
        hash.update(`\0${file}\0`).update(readFileSync(join(servers, module, file)));
    }
    return hash.digest("hex");
}

/** What a build reads: Go sources without tests, and module files. */
function filesBelow(folder: string, inside = ""): string[] {
    return readdirSync(join(folder, inside), { withFileTypes: true })
        .flatMap(entry => {
            const path = join(inside, entry.name);
            return entry.isDirectory() ? filesBelow(folder, path) : [path];
        })
        .filter(path => /\.go$|(^|\/)go\.(mod|sum)$/.test(path) && !path.endsWith("_test.go"))
        .sort();
}

/** The least Go that builds all servers: the highest `go` line of their modules, e.g. `1.26.0`. */
export function leastGo(servers: string): string {
    const versions = [...new Set(BINARIES.map(binary => binary.module))].map(module => {
        const line = /^go (\d+\.\d+(?:\.\d+)?)$/m.exec(readFileSync(join(servers, module, "go.mod"), "utf8"));
        if (line?.[1] === undefined) {
            throw new Error(`${module}/go.mod has no go line`);
        }
        return line[1];
    });
    return versions.reduce((highest, version) => (compareVersions(version, highest) > 0 ? version : highest));
}

function compareVersions(a: string, b: string): number {
    const [left, right] = [a, b].map(version => version.split(".").map(Number));
    return [0, 1, 2].map(i => (left?.[i] ?? 0) - (right?.[i] ?? 0)).find(difference => difference !== 0) ?? 0;
}
