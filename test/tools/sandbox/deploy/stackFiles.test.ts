import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readProject } from "../../../../tools/sandbox/deploy/stackFiles";

let folder: string;

beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "project-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

function read(project: string, stack?: string) {
    writeFileSync(join(folder, "Pulumi.yaml"), project);
    const file = join(folder, "Pulumi.dev.yaml");
    writeFileSync(file, stack ?? "");
    return readProject(folder, stack === undefined ? undefined : file);
}

describe("a project's files", () => {
    it("give the program its configuration as Pulumi gives it", () => {
        const project =
            "name: p\nruntime: nodejs\nconfig:\n  region: {type: string, default: EU}\n  gcp:project: {value: acme}\n  key: {secret: true, default: k}\n  size: 3\n";
        const stack = "config:\n  p:services: [{name: a, workers: 2}]\n  p:on: true\n  region: US\n";
        const { config, secretKeys } = read(project, stack);
        expect(config).toEqual({
            "p:region": "US",
            "gcp:project": "acme",
            "p:key": "k",
            "p:size": "3",
            "p:services": '[{"name":"a","workers":2}]',
            "p:on": "true",
        });
        expect(secretKeys).toEqual(["p:key"]);
    });

    it.each([
        { main: "", pwd: ".", program: "." },
        { main: "main: dist/index.js", pwd: "dist", program: "index.js" },
        { main: "main: dist", pwd: "dist", program: "." },
    ])("say where the program is: $main", ({ main, pwd, program }) => {
        mkdirSync(join(folder, "dist"));
        writeFileSync(join(folder, "dist", "index.js"), "");
        expect(read(`name: p\nruntime: nodejs\n${main}\n`)).toMatchObject({ pwd: join(folder, pwd), program });
    });

    it("give the host its options", () => {
        const project = "name: p\nruntime:\n  name: nodejs\n  options: {typescript: false, nodeargs: --enable-source-maps --no-warnings}\n";
        expect(read(project)).toMatchObject({ typescript: false, nodeArguments: ["--enable-source-maps", "--no-warnings"] });
    });

    it.each([
        { problem: "a value only the CLI can read", stack: "config: {p:list: [{password: {secure: AAAB}}]}", says: "p:list[0].password" },
        { problem: "an environment", stack: "environment: [prod]", says: "environment" },
        { problem: "no YAML", stack: "config: {", says: "is not YAML" },
        { problem: "config that is no map", stack: "config: 7", says: "config" },
    ])("are refused by name: $problem", ({ stack, says }) => {
        expect(() => read("name: p\nruntime: nodejs\n", stack)).toThrow(says);
    });

    it.each([
        { problem: "another runtime", project: "name: p\nruntime: python\n", says: "write the program for nodejs" },
        { problem: "a program outside", project: "name: p\nruntime: nodejs\nmain: ../x\n", says: "a path within the project" },
        { problem: "a program that is not built", project: "name: p\nruntime: nodejs\nmain: dist/x.js\n", says: "build the program first" },
    ])("are refused by name: $problem", ({ project, says }) => {
        expect(() => read(project)).toThrow(says);
    });
});
