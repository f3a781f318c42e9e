import type { Problem } from "../problems";

/** TorchServe releases whose KServe image we support; the configuration that we render is complete for both. */
export enum TorchServeRelease {
    /** The last release. Its KServe wrapper reports ready only when the models have loaded. */
    V0_12_0 = "0.12.0",
    /** What KServe's own runtime still pins. Its wrapper reports ready while workers die (kserve#2631). */
    V0_9_0 = "0.9.0",
}

/** Which TorchServe image the model servers run. */
export interface TorchServeImageArgs {
    /**
     * TorchServe release.
     * @default TorchServeRelease.V0_12_0
     */
    release?: TorchServeRelease;
    /**
     * Repository of the image, without tag: Docker Hub's or a mirror's.
     * @default pytorch/torchserve-kfs
     */
    repository?: string;
    /**
     * Digest that the tag must still have, e.g. `sha256:…`; production stacks require one.
     * @default none: the tag alone, which its owner can move
     */
    digest?: string;
}

/** Written into every runtime unless another is asked for. */
export const DEFAULT_RELEASE = TorchServeRelease.V0_12_0;

/** The image reference of a container spec. Release and digest are both written, so that a reader sees which release it is. */
export function imageReference(image: TorchServeImageArgs): string {
    const repository = image.repository ?? "pytorch/torchserve-kfs";
    const tag = `${repository}:${image.release ?? DEFAULT_RELEASE}`;
    return image.digest === undefined ? tag : `${tag}@${image.digest}`;
}

export function imageProblems(image: TorchServeImageArgs, path: string): Problem[] {
    const problems: Problem[] = [];
    const releases: readonly string[] = Object.values(TorchServeRelease);
    if (image.release !== undefined && !releases.includes(image.release)) {
        problems.push({
            path: `${path}.release`,
            found: image.release,
            allowed: `one of ${releases.join(", ")}`,
            remedy: "use a supported TorchServe release: the rendered configuration depends on it",
        });
    }
    // Source: github.com/distribution/reference, regexp.go; a tag or digest here would contradict `release` and `digest`.
    if (image.repository !== undefined && !/^[a-z0-9.-]+(:[0-9]+)?(\/[a-z0-9]+([._-]+[a-z0-9]+)*)*$/.test(image.repository)) {
        problems.push({
            path: `${path}.repository`,
            found: image.repository,
            allowed: "an image repository without tag or digest, e.g. registry.acme.example/torchserve-kfs",
            remedy: "write the release and the digest in their own keys",
        });
    }
    if (image.digest !== undefined && !/^sha256:[0-9a-f]{64}$/.test(image.digest)) {
        problems.push({
            path: `${path}.digest`,
            found: image.digest,
            allowed: "sha256: followed by 64 hexadecimal digits",
            remedy: "copy the digest that your registry shows for this tag",
        });
    }
    return problems;
}
