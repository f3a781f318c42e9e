import { describe, expect, it } from "vitest";
import { imageProblems, imageReference, TorchServeRelease } from "../../../components/torchserve/images";
import { servingRuntimeName, servingRuntimeSpec } from "../../../components/torchserve/servingRuntimeSpec";

const digest = `sha256:${"0a".repeat(32)}`;

describe("the model server's image", () => {
    it.each([
        [{}, "pytorch/torchserve-kfs:0.12.0"],
        [{ release: TorchServeRelease.V0_9_0 }, "pytorch/torchserve-kfs:0.9.0"],
        [
            { repository: "registry.acme.example:5000/ml/torchserve-kfs", digest },
            `registry.acme.example:5000/ml/torchserve-kfs:0.12.0@${digest}`,
        ],
    ])("%j is %s", (image, reference) => {
        expect(imageProblems(image, "i")).toEqual([]);
        expect(imageReference(image)).toBe(reference);
    });

    it.each([
        [{ repository: "pytorch/torchserve-kfs:latest" }, "i.repository"],
        [{ repository: "" }, "i.repository"],
        [{ digest: "0a0a" }, "i.digest"],
    ])("%j is refused", (image, path) => {
        expect(imageProblems(image, "i").map(p => p.path)).toEqual([path]);
    });
});

describe("the runtime's name", () => {
    const name = (image: Parameters<typeof imageReference>[0]) => servingRuntimeName("torchserve", servingRuntimeSpec({ image }));

    it("is the same for the same spec and another for another image", () => {
        expect(name({})).toMatch(/^torchserve-[0-9a-f]{8}$/);
        expect(name({})).toBe(name({}));
        expect(name({ digest })).not.toBe(name({}));
    });
});
