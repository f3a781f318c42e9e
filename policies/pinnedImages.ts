import type { ResourceValidationPolicy } from "@pulumi/policy";

/** Advisory, because a development stack may follow a tag; make it mandatory for prod with `--policy-pack-config`. */
export const pinnedImages: ResourceValidationPolicy = {
    name: "pinned-images",
    description: "Serving runtimes name their images by digest, so that nobody can exchange what runs.",
    enforcementLevel: "advisory",
    // A CustomResource is registered as kubernetes:APIVERSION:KIND (@pulumi/kubernetes, apiextensions/customResource.ts).
    validateResource: ({ type, props }, reportViolation) => {
        if (type !== "kubernetes:serving.kserve.io/v1alpha1:ServingRuntime") {
            return;
        }
        for (const { name, image } of containersOf(props)) {
            if (!/@sha256:[0-9a-f]{64}$/.test(image)) {
                reportViolation(
                    `container ${name}: image ${image} has no digest; set runtime.image.digest to what your registry shows for the tag`,
                );
            }
        }
    },
};

interface Container {
    readonly name: string;
    readonly image: string;
}

function containersOf({ spec }: { readonly spec?: { readonly containers?: readonly Container[] } }): readonly Container[] {
    return spec?.containers ?? [];
}
