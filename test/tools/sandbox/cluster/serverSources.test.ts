import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { BINARIES } from "../../../../tools/sandbox/cluster/binaries";
import { leastGo, moduleKey, serversFolder } from "../../../../tools/sandbox/cluster/serverSources";

let servers: string;

beforeEach(() => {
    servers = mkdtempSync(join(tmpdir(), "servers-"));
    cpSync(serversFolder(), servers, { recursive: true });
});

afterEach(() => rmSync(servers, { recursive: true }));

function append(file: string, text: string): void {
    writeFileSync(join(servers, file), `${readFileSync(join(servers, file), "utf8")}${text}`);
}

describe("the key of a module of servers", () => {
    it("is the same for the same sources, wherever they are", () => {
        expect(moduleKey(servers, "knative")).toBe(moduleKey(serversFolder(), "knative"));
    });

    it.each(["go.mod", "go.sum", "ingress/listener.go"])("differs after a change of %s", file => {
        const before = moduleKey(servers, "knative");
        append(`knative/${file}`, "\n// changed\n");
        expect(moduleKey(servers, "knative")).not.toBe(before);
    });

    it("does not differ after a change of a test or of another module", () => {
        const before = moduleKey(servers, "knative");
        append("knative/routing/table_test.go", "\n// changed\n");
        append("kserve/go.sum", "\n// changed\n");
        expect(moduleKey(servers, "knative")).toBe(before);
    });
});

describe("the Go that builds the servers", () => {
    it("is the newest that one of their modules asks for", () => {
        for (const [module, version] of Object.entries({ etcd: "1.24", kwok: "1.25.9", knative: "1.25.10", kserve: "1.9" })) {
            const path = join(servers, module, "go.mod");
            writeFileSync(path, readFileSync(path, "utf8").replace(/^go .*$/m, `go ${version}`));
        }
        for (const module of ["kubernetes", "objectstore"]) {
            const path = join(servers, module, "go.mod");
            writeFileSync(path, readFileSync(path, "utf8").replace(/^go .*$/m, "go 1.21"));
        }
        expect(leastGo(servers)).toBe("1.25.10");
    });
});

describe("the modules of the servers", () => {
    const modules = [...new Set(BINARIES.map(binary => binary.module))];

    it.each(modules)("pin %s to sources of the registries alone", module => {
        const goMod = readFileSync(join(serversFolder(), module, "go.mod"), "utf8");
        const targets = goMod
            .split("\n")
            .filter(line => line.includes(" => "))
            .map(line => line.split(" => ")[1]);
        for (const target of targets) {
            expect(target).toMatch(/^[a-z0-9.-]+\.[a-z]+\/\S+ v\d/);
        }
    });
});
