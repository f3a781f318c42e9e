import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ModelStore } from "../../../components/storage/modelStore";
import type { StoreContent } from "../../../components/storage/storeContent";
import { unknown } from "../../../tools/sandbox/deploy/property";
import { expectParents, expectResources } from "../../program/expectResources";
import { recordFailure, recordProgram, recordUpdate } from "../../program/recordProgram";

const VERSION = "pulumi-nodejs:dynamic/kserve-torchserve:ModelStoreVersion";
const folder = mkdtempSync(join(tmpdir(), "model-store-"));

function writeModel(name: string, weights: string): StoreContent {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true });
    writeFileSync(join(path, "model.py"), "class Model: pass\n");
    writeFileSync(join(path, "weights.pt"), weights);
    writeFileSync(join(path, "handler.py"), "def handle(data, context): return data\n");
    return {
        models: [
            {
                archive: {
                    modelName: "digits",
                    modelFile: join(path, "model.py"),
                    serializedFile: join(path, "weights.pt"),
                    handler: join(path, "handler.py"),
                },
            },
        ],
    };
}

let content: StoreContent;
beforeAll(() => {
    content = writeModel("one", "weights");
});
afterAll(() => rmSync(folder, { recursive: true }));

describe.each([{ preview: true }, { preview: false }])("a model store (preview: $preview)", ({ preview }) => {
    const record = (args: () => ConstructorParameters<typeof ModelStore>[1]) =>
        recordProgram(
            () => {
                const { storageUri, digest, modelNames } = new ModelStore("digits", args());
                return { storageUri, digest, modelNames };
            },
            { preview, outputsFor: ({ type }) => (type === VERSION ? { modelNames: ["digits"] } : undefined) },
        );

    it("made from files is one version, whose URI is known before it is there", async () => {
        const recording = await record(() => ({ bucket: "models-1a2b3c", content }));
        expectResources(recording, ["kserve-torchserve:index:ModelStore digits", `${VERSION} digits`]);
        expectParents(recording, ["kserve-torchserve:index:ModelStore digits"]);
        const { digest, storageUri, modelNames } = recording.outputs;
        expect(digest).toMatch(/^[0-9a-f]{32}$/);
        expect(storageUri).toBe(`gs://models-1a2b3c/digits/${digest}`);
        expect(modelNames).toEqual(preview ? unknown : ["digits"]);
    });

    it("made from files keeps no path of this machine in the state", async () => {
        const recording = await record(() => ({ bucket: "models-1a2b3c", content }));
        for (const { inputs } of recording.resources) {
            expect(JSON.stringify(inputs)).not.toContain(`"${process.cwd()}`);
            expect(JSON.stringify(inputs)).not.toContain(`"${folder}`);
        }
    });

    it("of an earlier version declares no files", async () => {
        const version = "0123456789abcdef0123456789abcdef";
        const recording = await record(() => ({ bucket: "models-1a2b3c", version }));
        expect(recording.resource("digits", VERSION).inputs).toMatchObject({ bucket: "models-1a2b3c", store: "digits", digest: version });
        expect(recording.resource("digits", VERSION).inputs).not.toHaveProperty("content");
        expect(recording.outputs.storageUri).toBe(`gs://models-1a2b3c/digits/${version}`);
    });

    it("made by other means is used as it is", async () => {
        const recording = await record(() => ({ uri: "pvc://models/digits" }));
        expectResources(recording, ["kserve-torchserve:index:ModelStore digits"]);
        expect(recording.outputs).toEqual({ storageUri: "pvc://models/digits" });
    });

    it("cannot be used before all of its version is there", async () => {
        const recording = await recordProgram(
            () => {
                const store = new ModelStore("digits", { bucket: "models-1a2b3c", content });
                new UserOfStore("user", { uri: store.storageUri }, {});
            },
            { preview },
        );
        expect(recording.resource("user").propertyDependencies.uri).toEqual([recording.resource("digits", VERSION).urn]);
    });

    it.each([
        [{ bucket: "b" }, "exactly one of content, version and uri"],
        [{ bucket: "b", version: "latest" }, "digits.version"],
        [{ version: "0123456789abcdef0123456789abcdef" }, "without a bucket"],
        [{ uri: "s3://bucket/models" }, "digits.uri"],
        [{ bucket: "b", content: { models: [{ archive: { modelName: "a.b", handler: "nowhere" } }] } }, "archive.modelName"],
    ])("refuses %j", async (args, message) => {
        const { errors } = await recordFailure(() => void new ModelStore("digits", args), { preview });
        expect(errors.join("\n")).toContain(message);
    });
});

class UserOfStore extends pulumi.CustomResource {
    constructor(name: string, props: { uri: pulumi.Input<string> }, opts: pulumi.CustomResourceOptions) {
        super("test:index:UserOfStore", name, props, opts);
    }
}

it("has the same digest for the same content elsewhere, and another for other content", async () => {
    const store = (content: StoreContent) => () => ({ digest: new ModelStore("digits", { bucket: "b", content }).digest });
    const { before, after } = await recordUpdate(store(content), store(writeModel("elsewhere", "weights")));
    expect(after.outputs.digest).toBe(before.outputs.digest);
    const changed = await recordProgram(store(writeModel("changed", "other weights")), { preview: true });
    expect(changed.outputs.digest).not.toBe(before.outputs.digest);
});

it("says which files are missing before it declares any", async () => {
    const { errors } = await recordFailure(
        () =>
            void new ModelStore("digits", {
                bucket: "b",
                content: { models: [{ archive: { modelName: "m", handler: join(folder, "gone.py") } }] },
            }),
        { preview: true },
    );
    expect(errors.join("\n")).toContain("gone.py");
});
