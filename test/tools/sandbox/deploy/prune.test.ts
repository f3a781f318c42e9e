import { describe, expect, it } from "vitest";
import { prune, type Removal, rankOf, removalProblems } from "../../../../tools/sandbox/deploy/prune";

function removal(what: string, log: string[], onRemoval?: "refuse" | "keep"): Removal {
    return {
        what,
        rank: rankOf(what),
        onRemoval,
        remove: async () => void log.push(what),
        isGone: async () => log.includes(what),
    };
}

describe("what is no longer in the program", () => {
    it("goes dependents first, the namespace last", async () => {
        const kinds = [
            "Namespace",
            "ServiceAccount",
            "ServingRuntime",
            "Deployment",
            "CustomResourceDefinition",
            "InferenceService",
            "Role",
            "RoleBinding",
        ];
        const log: string[] = [];
        await prune(
            kinds.map(kind => removal(kind, log)),
            () => undefined,
        );
        expect(log).toEqual([
            "InferenceService",
            "Deployment",
            "ServingRuntime",
            "ServiceAccount",
            "RoleBinding",
            "Role",
            "CustomResourceDefinition",
            "Namespace",
        ]);
    });

    it("is gone before the next goes", async () => {
        const log: string[] = [];
        let asked = 0;
        const slow: Removal = { ...removal("InferenceService", log), isGone: async () => ++asked > 2 };
        const runtime: Removal = {
            ...removal("ServingRuntime", log),
            remove: async () => void log.push(`ServingRuntime after ${asked}`),
            isGone: async () => true,
        };
        await prune([runtime, slow], () => undefined);
        expect(log).toEqual(["InferenceService", "ServingRuntime after 3"]);
    });

    it("stays when it is to be kept, and is a problem when it is protected", async () => {
        const log: string[] = [];
        const kept = removal("Secret", log, "keep");
        const guarded = removal("ConfigMap", log, "refuse");
        await prune([kept, guarded], () => undefined);
        expect(log).toEqual([]);
        expect(removalProblems([kept, guarded])).toEqual([expect.stringMatching(/^ConfigMap is protected/)]);
    });

    it("stays when the deployment is stopped", async () => {
        const log: string[] = [];
        await expect(prune([removal("Secret", log)], () => undefined, AbortSignal.abort())).rejects.toThrow();
        expect(log).toEqual([]);
    });
});
