import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Analyzer } from "@pulumi/pulumi/provider/experimental/analyzer";
import { describe, expect, it } from "vitest";
import packageFile from "../../package.json";
import { programOf, readProject } from "../../tools/sandbox/deploy/stackFiles";

const root = join(__dirname, "../..");
const requireFromRoot = createRequire(join(root, "anywhere.js"));

describe("the program and the library, in one package", () => {
    it("are told apart: Pulumi runs what Pulumi.yaml names, everyone else gets the export", () => {
        const { pwd, program } = readProject(root, undefined);
        expect(join(pwd, program)).toBe(join(root, "dist/index.js"));
        expect(requireFromRoot.resolve("kserve-torchserve")).toBe(join(root, "dist/components/index.js"));
    });

    it("would be mistaken for each other without `main`: the host would run the library, which declares nothing", () => {
        const { pwd, program } = programOf(root, undefined);
        expect(requireFromRoot.resolve(join(pwd, program))).toBe(join(root, "dist/components/index.js"));
    });

    it("are found by the dynamic provider from the program's own folder", () => {
        const fromProgram = createRequire(join(root, "dist/"));
        for (const provider of ["modelStoreVersion", "readinessGate"]) {
            expect(fromProgram.resolve(`kserve-torchserve/providers/${provider}`)).toBe(
                join(root, `dist/components/providers/${provider}.js`),
            );
        }
    });

    it("import without registering anything or loading a client", () => {
        const script = `
            const library = require("kserve-torchserve");
            const loaded = Object.keys(require.cache).filter(path => /client-node|@google-cloud|node_modules.(zod|yaml|commander)./.test(path));
            console.log(JSON.stringify({ names: Object.keys(library).sort(), loaded }));`;
        const { names, loaded } = JSON.parse(execFileSync(process.execPath, ["-e", script], { cwd: root, encoding: "utf8" })) as {
            names: string[];
            loaded: string[];
        };
        expect(loaded).toEqual([]);
        expect(names).toEqual([
            "ArchiveRuntime",
            "InvalidConfiguration",
            "ModelBucket",
            "ModelStore",
            "ScaleMetric",
            "ServingIdentity",
            "TorchServeInferenceService",
            "TorchServeRelease",
            "TorchServeRuntime",
        ]);
    });
});

it("has components whose arguments Pulumi's schema inference accepts, all of them described", () => {
    const components = ["ModelBucket", "ServingIdentity", "ModelStore", "TorchServeRuntime", "TorchServeInferenceService"];
    const source = { ...packageFile, main: "components/index.ts" };
    const analysis = new Analyzer(root, "kserve-torchserve", source, new Set(components)).analyze();
    expect(Object.keys(analysis.components).toSorted()).toEqual(components.toSorted());
    const described = [
        ...Object.values(analysis.components).flatMap(({ name, inputs }) =>
            Object.entries(inputs).map(([key, input]) => [`${name}.${key}`, input.description]),
        ),
        ...Object.values(analysis.typeDefinitions).flatMap(({ name, properties }) =>
            Object.entries(properties ?? {}).map(([key, property]) => [`${name}.${key}`, property.description]),
        ),
    ];
    expect(described.filter(([, description]) => !description).map(([name]) => name)).toEqual([]);
}, 120_000);

describe("kst", () => {
    it("says in one line which Node it needs, to an older one", () => {
        const script = `Object.defineProperty(process.versions, "node", { value: "20.20.2" }); require(${JSON.stringify(join(root, "bin/kst.js"))});`;
        const { status, stderr, stdout } = spawnSync(process.execPath, ["-e", script], { encoding: "utf8" });
        expect(status).toBe(1);
        expect(stdout).toBe("");
        expect(stderr).toMatch(/^kst needs Node 22\.13 or newer and this is 20\.20\.2.*\n$/);
    });

    it("has the package's version", () => {
        expect(execFileSync(process.execPath, [join(root, "bin/kst.js"), "--version"], { encoding: "utf8" }).trim()).toBe(
            packageFile.version,
        );
    });
});

it("names in CONTRIBUTING.md what each dependency is for", () => {
    const text = readFileSync(join(root, "CONTRIBUTING.md"), "utf8");
    const dependencies = Object.keys({ ...packageFile.dependencies, ...packageFile.devDependencies }).filter(
        name => !name.startsWith("@types/"),
    );
    expect(dependencies.filter(name => !text.includes(`\`${name}\``))).toEqual([]);
});
