import { Bucket } from "@pulumi/gcp/storage/bucket";
import { BucketIAMMember } from "@pulumi/gcp/storage/bucketIAMMember";
import { ConfigMap } from "@pulumi/kubernetes/core/v1/configMap";
import { Provider } from "@pulumi/kubernetes/provider";
import * as pulumi from "@pulumi/pulumi";
import { RandomId } from "@pulumi/random/randomId";
import { describe, expect, it } from "vitest";
import { Secret, unknown } from "../../tools/sandbox/deploy/property";
import { expectParents, expectResources } from "./expectResources";
import { recordFailure, recordProgram, recordUpdate } from "./recordProgram";

class Store extends pulumi.ComponentResource {
    readonly url: pulumi.Output<string>;

    constructor(name: string, args: { reader: string; softDelete?: boolean }, opts?: pulumi.ComponentResourceOptions) {
        super("test:index:Store", name, args, opts);
        const suffix = new RandomId(`${name}-suffix`, { byteLength: 3 }, { parent: this });
        const bucket = new Bucket(
            name,
            { name: pulumi.interpolate`${name}-${suffix.hex}`, location: "EU" },
            { parent: this, protect: true, customTimeouts: { create: "5m" } },
        );
        new BucketIAMMember(
            `${name}-reader`,
            { bucket: bucket.name, role: "roles/storage.objectViewer", member: args.reader },
            { parent: this },
        );
        this.url = bucket.url;
        this.registerOutputs({ url: this.url });
    }
}

const program = () => {
    const store = new Store("models", { reader: "allUsers" });
    const key = new pulumi.Config().requireSecret("key");
    const provider = new Provider("cluster", { context: "here" });
    new ConfigMap("settings", { metadata: { name: "settings", namespace: "ml" }, data: { url: store.url, key } }, { provider });
    return { url: store.url, key };
};
const config = { key: "hunter2" };

describe.each([{ preview: true }, { preview: false }])("a recorded program (preview: $preview)", ({ preview }) => {
    const record = () => recordProgram(program, { preview, config, secretConfig: ["key"] });

    it("registers exactly the resources it makes", async () => {
        const recording = await record();
        expectResources(recording, [
            "test:index:Store models",
            "random:index/randomId:RandomId models-suffix",
            "gcp:storage/bucket:Bucket models",
            "gcp:storage/bucketIAMMember:BucketIAMMember models-reader",
            "pulumi:providers:kubernetes cluster",
            "kubernetes:core/v1:ConfigMap settings",
        ]);
        expectParents(recording, [
            "test:index:Store models",
            "pulumi:providers:kubernetes cluster",
            "kubernetes:core/v1:ConfigMap settings",
        ]);
    });

    it("keeps options, providers and where inputs come from", async () => {
        const recording = await record();
        const bucket = recording.resource("models", "gcp:storage/bucket:Bucket");
        expect(bucket.options).toMatchObject({ protect: true, customTimeouts: { create: "5m" } });
        expect(bucket.propertyDependencies).toEqual({ name: [recording.resource("models-suffix").urn] });
        expect(recording.resource("settings").provider).toBe(recording.resource("cluster").urn);
        expect(recording.resource("settings").propertyDependencies.data).toEqual([bucket.urn]);
    });

    it("keeps secrets secret, unknowns unknown", async () => {
        const recording = await record();
        const url = preview ? unknown : expect.stringMatching(/^gs:\/\/models-[0-9a-f]{6}$/);
        expect(recording.outputs).toEqual({ url, key: new Secret("hunter2") });
        // A secret in a map makes the whole input one: the Kubernetes SDK hands over the map as one output.
        expect(JSON.stringify(recording.resource("settings").inputs)).not.toContain("hunter2");
        expect(recording.componentOutputs.get(recording.resource("models", "test:index:Store").urn)).toEqual({ url });
    });
});

describe("transforms and hooks", () => {
    it("applies a component's and the stack's transforms, nearest first", async () => {
        const rename =
            (suffix: string): pulumi.ResourceTransform =>
            ({ type, props, opts }) =>
                type === "gcp:storage/bucket:Bucket" ? { props: { ...props, location: props.location + suffix }, opts } : undefined;
        const recording = await recordProgram(
            () => {
                pulumi.runtime.registerResourceTransform(rename("-stack"));
                new Store("models", { reader: "allUsers" }, { transforms: [rename("-component")] });
            },
            { preview: false },
        );
        expect(recording.resource("models", "gcp:storage/bucket:Bucket").inputs.location).toBe("EU-component-stack");
        expect(recording.resource("models", "gcp:storage/bucket:Bucket").options.protect).toBe(true);
    });

    it.each([
        { preview: true, calls: [] },
        { preview: false, calls: ["before ", "after b"] },
    ])("runs create hooks when something is made (preview: $preview)", async ({ preview, calls }) => {
        const called: string[] = [];
        await recordProgram(
            () => {
                new Bucket(
                    "b",
                    { name: "b", location: "EU" },
                    {
                        hooks: {
                            beforeCreate: [args => void called.push(`before ${args.id}`)],
                            afterCreate: [args => void called.push(`after ${args.id}`)],
                        },
                    },
                );
            },
            { preview },
        );
        expect(called).toEqual(calls);
    });

    it("fails with the hook's message", async () => {
        const failing = new Error("smoke test: 503");
        const { errors } = await recordFailure(
            () => void new Bucket("b", { location: "EU" }, { hooks: { afterCreate: [() => Promise.reject(failing)] } }),
            { preview: false },
        );
        expect(errors.join()).toContain("smoke test: 503");
    });
});

describe("what a program must not do", () => {
    it("leave a rejection unhandled", async () => {
        await expect(recordProgram(() => void Promise.reject(new Error("lost")), { preview: false })).rejects.toThrow("lost");
    });

    it("throw", async () => {
        await expect(
            recordProgram(
                () => {
                    throw new Error("no such model");
                },
                { preview: true },
            ),
        ).rejects.toThrow("no such model");
    });

    it("fail within apply", async () => {
        const fail = () =>
            void new Bucket("b", {
                location: pulumi.output("EU").apply(() => {
                    throw new Error("no such region");
                }),
            });
        const { errors } = await recordFailure(fail, { preview: false });
        expect(errors.join()).toContain("no such region");
    });

    it("wait for what never comes", async () => {
        const waiting = () => void new Bucket("b", { location: new Promise<string>(() => undefined) });
        await expect(recordProgram(waiting, { preview: false, timeoutSeconds: 1 })).rejects.toThrow('"b" [gcp:storage/bucket:Bucket]');
    });

    it("log an error", async () => {
        await expect(recordProgram(() => void pulumi.log.error("bad"), { preview: false })).rejects.toThrow("bad");
    });

    it("make two resources with one URN", async () => {
        const twice = () => {
            new Bucket("b", { location: "EU" });
            new Bucket("b", { location: "EU" });
        };
        await expect(recordProgram(twice, { preview: true })).rejects.toThrow("two resources have this URN");
    });
});

describe("an update", () => {
    it("compares what is registered before and after", async () => {
        const { before, after } = await recordUpdate(
            () => void new Store("models", { reader: "allUsers" }),
            () => void new Store("models", { reader: "allAuthenticatedUsers" }),
        );
        expect(after.resource("models-reader").urn).toBe(before.resource("models-reader").urn);
        expect(after.resource("models-reader").inputs.member).not.toBe(before.resource("models-reader").inputs.member);
        expect(after.resource("models", "gcp:storage/bucket:Bucket").inputs).toEqual(
            before.resource("models", "gcp:storage/bucket:Bucket").inputs,
        );
    });
});
