import { readFileSync } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { parse } from "yaml";
import { InvalidConfiguration } from "../components/problems";
import { googleCloudArgs, parseStackConfig } from "../config";

const root = join(__dirname, "..");

/** The values of a stack file, as Pulumi hands them to the program. */
function stackFile(name: string): Record<string, unknown> {
    const { config } = parse(readFileSync(join(root, name), "utf8")) as { config: Record<string, unknown> };
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [key.replace(/^kserve-torchserve:/, ""), value]));
}

const dev = () => stackFile("Pulumi.dev.yaml");

function problemsOf(values: Record<string, unknown>, stack = "dev"): string[] {
    try {
        parseStackConfig(values, stack, root);
    } catch (error) {
        if (error instanceof InvalidConfiguration) {
            return error.problems.map(problem => problem.path);
        }
        throw error;
    }
    return [];
}

describe("the stack files in the tree", () => {
    it.each(["dev", "sandbox"])("Pulumi.%s.yaml is right as it stands", stack => {
        expect(problemsOf(stackFile(`Pulumi.${stack}.yaml`), stack)).toEqual([]);
    });
});

describe("a stack's configuration", () => {
    it("finds files beside the stack file, wherever the program runs", () => {
        const [service] = parseStackConfig(dev(), "dev", root).services;
        expect(service?.store.content?.models[0]?.archive.handler).toBe(join(root, "examples/models/digits/handler.py"));
    });

    it("tells all mistakes of shape at once, unknown keys among them", () => {
        const values = { ...dev(), namespace: 3, enviroment: "dev", services: [{ name: "a", store: {}, canary: { percent: 20 } }] };
        expect(problemsOf(values).toSorted()).toEqual(["enviroment", "namespace", "services[0].canary.percent"]);
    });

    it("tells all mistakes of meaning at once", () => {
        const [service] = dev().services as Record<string, unknown>[];
        const values = {
            ...dev(),
            namespace: "Models",
            services: [
                { ...service, canary: { trafficPercent: 120 } },
                { ...service, name: "digits", autoscaling: { minReplicas: 2, maxReplicas: 1 } },
            ],
        };
        expect(problemsOf(values)).toEqual([
            "namespace",
            "services[0].canary.trafficPercent",
            "services[1].name",
            "services[1].autoscaling.maxReplicas",
        ]);
    });

    it("misses what must be there", () => {
        const { cluster: _, ...values } = dev();
        expect(problemsOf(values)).toEqual(["cluster"]);
    });

    it("misses model files by the path that was given", () => {
        const archive = { modelName: "digits", handler: "nowhere/handler.py" };
        expect(() =>
            parseStackConfig({ ...dev(), services: [{ name: "digits", store: { content: { models: [{ archive }] } } }] }, "dev", root),
        ).toThrow("nowhere/handler.py");
    });

    it("leaves a kubeconfig's text alone, and finds its path from home or beside the stack file", () => {
        const kubeconfigOf = (kubeconfig: string) =>
            parseStackConfig({ ...dev(), cluster: { context: "here", kubeconfig } }, "dev", root).cluster.kubeconfig;
        expect(kubeconfigOf("apiVersion: v1\nkind: Config\n")).toBe("apiVersion: v1\nkind: Config\n");
        expect(kubeconfigOf("clusters/dev")).toBe(join(root, "clusters/dev"));
        expect(kubeconfigOf("~/.kube/dev")).toBe(join(homedir(), ".kube/dev"));
    });

    it.each([
        [{ services: [{ name: "a", store: { content: { models: [] } } }] }, "services[0].store.content.models"],
        [{ services: [{ name: "a", store: { version: "0".repeat(32) }, readyTimeoutSeconds: -5 }] }, "services[0].readyTimeoutSeconds"],
        [{ identity: { workloadIdentity: { project: "acme-dev", projectNumber: "acme-dev" } } }, "identity.workloadIdentity.projectNumber"],
        [{ cluster: { context: "" } }, "cluster.context"],
    ])("refuses %j before anything is declared", (changed, path) => {
        expect(problemsOf({ ...dev(), ...changed })).toEqual([path]);
    });

    it("refuses a handler that the release does not have", () => {
        const archive = { modelName: "m", handler: "vllm_handler" };
        const values = { ...dev(), services: [{ name: "a", store: { content: { models: [{ archive }] } } }] };
        expect(problemsOf(values)).toEqual([]);
        expect(problemsOf({ ...values, runtime: { image: { release: "0.9.0" } } })).toEqual([
            "services[0].store.content.models[0].archive.handler",
        ]);
    });

    it("wants a workload identity for a private bucket, which anonymous pods cannot read", () => {
        const { identity: _, ...values } = dev();
        expect(problemsOf(values)).toEqual(["identity.workloadIdentity"]);
    });

    it("wants the image's digest in prod, which nobody else can know", () => {
        const prod = { ...dev(), environment: "prod" };
        expect(problemsOf(prod, "prod")).toEqual(["runtime.image.digest"]);
        expect(problemsOf({ ...prod, runtime: { image: { digest: `sha256:${"0a".repeat(32)}` } } }, "prod")).toEqual([]);
    });

    it.each(["Dev", "dev_1", "", "d".repeat(41)])("refuses %j as the stack's name, which objects are named after", stack => {
        expect(problemsOf(dev(), stack)).toEqual(["(the stack's name)"]);
    });

    it.each([1, 6, 91, 7.5])("refuses %d days of soft delete", softDeleteDays => {
        expect(problemsOf({ ...dev(), bucket: { location: "EU", softDeleteDays } })).toEqual(["bucket.softDeleteDays"]);
    });
});

describe("the gcp provider", () => {
    it("is Google's with the caller's credentials, unless the endpoint is on this machine", () => {
        expect(googleCloudArgs({ project: "acme" })).toEqual({ project: "acme" });
        expect(googleCloudArgs({ project: "acme", storageEndpoint: "http://127.0.0.1:4443" })).toEqual({
            project: "acme",
            storageCustomEndpoint: "http://127.0.0.1:4443/storage/v1/",
            accessToken: "none",
        });
    });
});
