import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ArchiveRuntime, archiveProblems, type ModelArchiveArgs, mapArchivePaths } from "../../../components/torchserve/archive";

const files: ModelArchiveArgs = { modelName: "digits", handler: "src/handler.py", modelFile: "src/model.py", serializedFile: "digits.pt" };
const paths = (args: ModelArchiveArgs) => archiveProblems(args, "models[0].archive").map(problem => problem.path);

describe("a model archive's arguments", () => {
    it.each<[string, ModelArchiveArgs]>([
        ["files of one's own", files],
        ["an entry point of one's own", { ...files, handler: "src/handler.py:classify" }],
        ["a built-in handler with TorchScript", { modelName: "digits", handler: "image_classifier", serializedFile: "digits.pt" }],
        [
            "a built-in handler with a state dictionary",
            { modelName: "digits", handler: "base_handler", modelFile: "model.py", serializedFile: "digits.pth" },
        ],
        ["a handler that fetches its weights itself", { modelName: "llama", handler: "vllm_handler", configFile: "model-config.yaml" }],
        ["an existing archive", { archive: "build/digits-2.1.mar" }],
        ["another interpreter", { ...files, runtime: ArchiveRuntime.Python3 }],
    ])("may be %s", (_case, args) => {
        expect(paths(args)).toEqual([]);
    });

    it.each<[string, ModelArchiveArgs, string[]]>([
        ["neither form", {}, ["modelName", "handler"]],
        ["both forms", { ...files, archive: "digits.mar" }, ["modelName", "handler", "modelFile", "serializedFile"]],
        ["a gzipped tar", { archive: "digits.tar.gz" }, ["archive"]],
        ["a name that TorchServe takes for a way out of its store", { archive: "digits..mar" }, ["archive"]],
        ["a name with a dot, which KServe cannot route to", { ...files, modelName: "digits.v2" }, ["modelName"]],
        ["a version that is no part of a URL", { ...files, version: "1/2" }, ["version"]],
        ["a handler that is neither built in nor Python", { ...files, handler: "handler" }, ["handler"]],
        ["a handler that Python takes for one in a package", { ...files, handler: "my.handler.py" }, ["handler"]],
        ["weights given as the model's source", { ...files, modelFile: "digits.pt" }, ["modelFile"]],
        [
            "weights that no built-in handler can load",
            { modelName: "digits", handler: "text_classifier", serializedFile: "a.pth" },
            ["serializedFile"],
        ],
        ["no model for a handler that loads one", { modelName: "digits", handler: "object_detector" }, ["serializedFile"]],
    ])("may not be %s", (_case, args, at) => {
        expect(paths(args)).toEqual(at.map(key => `models[0].archive.${key}`));
    });

    it("are refused with the value found and what to do", () => {
        expect(archiveProblems({ ...files, modelName: "digits.v2" }, "archive")).toEqual([
            {
                path: "archive.modelName",
                found: "digits.v2",
                allowed: "a name of letters, digits, _ and -, starting with a letter or a digit",
                remedy: "rename the model; KServe's prediction URLs take no other characters, not even a dot",
            },
        ]);
    });

    it("take exactly the model names that both TorchServe and KServe take", () => {
        const torchServe = /^[A-Za-z0-9][A-Za-z0-9_\-.]*$/;
        const kserve = /^\/v1\/models\/[\w-]+:predict$/;
        fc.assert(
            fc.property(fc.string({ unit: fc.constantFrom(..."aZ09_-. /é") }), modelName => {
                const both = torchServe.test(modelName) && kserve.test(`/v1/models/${modelName}:predict`);
                expect(paths({ ...files, modelName })).toHaveLength(both ? 0 : 1);
            }),
        );
    });
});

describe("moving an archive's paths", () => {
    it("moves every path and nothing else", () => {
        const moved = mapArchivePaths(
            { ...files, handler: "h.py:run", extraFiles: ["a", "b"], requirementsFile: "r.txt", configFile: "c.yaml", version: "2.0" },
            path => `/m/${path}`,
        );
        expect(moved).toEqual({
            modelName: "digits",
            version: "2.0",
            handler: "/m/h.py:run",
            modelFile: "/m/src/model.py",
            serializedFile: "/m/digits.pt",
            extraFiles: ["/m/a", "/m/b"],
            requirementsFile: "/m/r.txt",
            configFile: "/m/c.yaml",
        });
        expect(mapArchivePaths({ archive: "digits.mar" }, path => `/m/${path}`)).toEqual({ archive: "/m/digits.mar" });
        expect(mapArchivePaths({ modelName: "d", handler: "base_handler" }, path => `/m/${path}`).handler).toBe("base_handler");
    });
});
