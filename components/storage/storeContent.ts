import type { Problem } from "../problems";
import { archiveProblems, type ModelArchiveArgs } from "../torchserve/archive";
import { type TorchServeConfigArgs, torchServeConfigProblems } from "../torchserve/configProperties";
import { type ModelServingArgs, modelNamesProblems, modelServingProblems } from "../torchserve/modelSnapshot";
import { storageUriProblems, versionProblems } from "./storeVersion";

/** A model of a store: its archive and how to serve it. */
export interface StoreModelArgs {
    /** What the archive is made from, or the archive. */
    archive: ModelArchiveArgs;
    /**
     * How TorchServe serves it.
     * @default one worker, no batching
     */
    serving?: ModelServingArgs;
}

/** All that a model store is made from: the same content is the same version, anywhere. */
export interface StoreContent {
    /** The models, each with a name of its own. */
    models: StoreModelArgs[];
    /**
     * Settings of the whole server.
     * @default TorchServe's
     */
    torchServe?: TorchServeConfigArgs;
}

/** Where a store comes from: exactly one of the three. All are plain: they decide what is uploaded. */
export interface StoreSource {
    /**
     * Files to make a version from. They are read when the program runs, once, and again only when they change.
     * @default none
     */
    content?: StoreContent;
    /**
     * Digest of a version that is already complete in the bucket: going back to it uploads nothing.
     * @default none
     */
    version?: string;
    /**
     * A store made by other means, `gs://BUCKET/PATH` or `pvc://CLAIM/PATH`, used as it is.
     * @default none
     */
    uri?: string;
}

/** The mistakes of a source that show without reading a file. */
export function storeSourceProblems(source: StoreSource, hasBucket: boolean, path: string): Problem[] {
    const given = (["content", "version", "uri"] as const).filter(form => source[form] !== undefined);
    const problems: Problem[] = [];
    if (given.length !== 1) {
        problems.push({
            path,
            found: given,
            allowed: "exactly one of content, version and uri",
            remedy: "give files, or a version that is in the bucket, or the URI of a store made by other means",
        });
    }
    if (source.uri === undefined && !hasBucket) {
        problems.push({
            path,
            found: given,
            allowed: "possible without a bucket",
            remedy: "add a bucket for the versions, or use the URI of a store made by other means",
        });
    }
    return [
        ...problems,
        ...(source.content === undefined ? [] : storeContentProblems(source.content, `${path}.content`)),
        ...(source.version === undefined ? [] : versionProblems(source.version, `${path}.version`)),
        ...(source.uri === undefined ? [] : storageUriProblems(source.uri, `${path}.uri`)),
    ];
}

/** The mistakes of files to make a version from that show without reading one. */
export function storeContentProblems(content: StoreContent, path: string): Problem[] {
    const named = content.models.map(model => model.archive.modelName);
    return [
        ...modelNamesProblems(named, `${path}.models`),
        ...content.models.flatMap((model, index) => [
            ...archiveProblems(model.archive, `${path}.models[${index}].archive`),
            ...modelServingProblems(model.serving ?? {}, `${path}.models[${index}].serving`),
        ]),
        ...torchServeConfigProblems(content.torchServe ?? {}, `${path}.torchServe`),
    ];
}
