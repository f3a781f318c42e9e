import { describe, expect, it } from "vitest";
import { TorchServeRelease } from "../../../components/torchserve/images";
import { TorchServeRuntime } from "../../../components/torchserve/servingRuntime";
import { expectParents, expectResources } from "../../program/expectResources";
import { recordFailure, recordProgram, recordUpdate } from "../../program/recordProgram";

const TYPE = "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime";

describe.each([{ preview: true }, { preview: false }])("a TorchServe runtime (preview: $preview)", ({ preview }) => {
    it("is one namespaced ServingRuntime that is never chosen by itself", async () => {
        const recording = await recordProgram(() => ({ name: new TorchServeRuntime("torchserve", { namespace: "models" }).runtimeName }), {
            preview,
        });
        expectResources(recording, ["kserve-torchserve:index:TorchServeRuntime torchserve", `${TYPE} torchserve`]);
        expectParents(recording, ["kserve-torchserve:index:TorchServeRuntime torchserve"]);
        const { inputs } = recording.resource("torchserve", TYPE);
        expect(inputs).toMatchObject({
            metadata: { namespace: "models", annotations: { "serving.kserve.io/server-type": "torchserve" } },
            spec: { supportedModelFormats: [{ name: "pytorch", autoSelect: false }] },
        });
        expect(recording.outputs.name).toMatch(/^torchserve-[0-9a-f]{8}$/);
    });

    it("runs as nobody in particular, with no right to become more", async () => {
        const recording = await recordProgram(() => void new TorchServeRuntime("torchserve", { namespace: "models" }), { preview });
        expect(recording.resource("torchserve", TYPE).inputs).toMatchObject({
            spec: {
                containers: [
                    {
                        securityContext: {
                            runAsNonRoot: true,
                            allowPrivilegeEscalation: false,
                            privileged: false,
                            capabilities: { drop: ["ALL"] },
                            seccompProfile: { type: "RuntimeDefault" },
                        },
                    },
                ],
            },
        });
    });

    it("refuses an image that nobody could name", async () => {
        const { errors } = await recordFailure(
            () => void new TorchServeRuntime("torchserve", { namespace: "models", image: { digest: "latest" } }),
            { preview },
        );
        expect(errors.join("\n")).toContain("torchserve.image.digest");
    });
});

it("is a new one beside the old when its image changes, so that a canary can try it", async () => {
    const runtime = (release: TorchServeRelease) => () => ({
        name: new TorchServeRuntime("torchserve", { namespace: "models", image: { release } }).runtimeName,
    });
    const { before, after } = await recordUpdate(runtime(TorchServeRelease.V0_9_0), runtime(TorchServeRelease.V0_12_0));
    expect(after.outputs.name).not.toBe(before.outputs.name);
});
