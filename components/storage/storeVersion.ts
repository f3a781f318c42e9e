import { contentDigest } from "../contentDigest";
import type { Problem } from "../problems";

/** A file of a model store, named by its content. */
export interface StoreFile {
    /** Path below the version's prefix, e.g. `model-store/digits.mar`. */
    readonly path: string;
    readonly size: number;
    /** Digest that names the content; what it is taken of is the file's own affair, as long as equal content has an equal one. */
    readonly digest: string;
}

/** A model in a version, as the marker lists it. */
export interface VersionModel {
    readonly modelName: string;
    readonly modelVersion: string;
}

/** Says that a version is complete. Written last, outside what KServe downloads. */
export interface CompletionMarker {
    readonly store: string;
    readonly digest: string;
    readonly models: readonly VersionModel[];
    readonly files: readonly StoreFile[];
}

/** The digest of a store's files is its version: 32 hexadecimal digits, as many bits as a UUID has. */
export function versionDigest(files: readonly StoreFile[]): string {
    return contentDigest(files.toSorted((a, b) => (a.path < b.path ? -1 : 1))).slice(0, 32);
}

/** Where a version's files are: immutable, since its name is its content. The trailing slash is not part of a storage URI. */
export const versionPrefix = (store: string, digest: string) => `${store}/${digest}`;

/** Where a version's marker is. No store's name starts with an underscore. */
export const markerPath = (store: string, digest: string) => `_complete/${store}/${digest}.json`;

/** The `storageUri` of a version. */
export const storageUriOf = (bucket: string, store: string, digest: string) => `gs://${bucket}/${versionPrefix(store, digest)}`;

export function versionProblems(version: string, path: string): Problem[] {
    if (/^[0-9a-f]{32}$/.test(version)) {
        return [];
    }
    return [
        {
            path,
            found: version,
            allowed: "a version of a model store, which has 32 hexadecimal digits",
            remedy: "copy the digest that an earlier deployment printed",
        },
    ];
}

/** Sources: KServe 0.20, `SupportedStorageURIPrefixList` (component.go); without a scheme it would take the URI for a path in the pod. */
export function storageUriProblems(uri: string, path: string): Problem[] {
    if (/^(gs|pvc):\/\/[^/\s]+(\/\S*)?$/.test(uri)) {
        return [];
    }
    return [
        {
            path,
            found: uri,
            allowed: "a gs://BUCKET/PATH or pvc://CLAIM/PATH URI",
            remedy: "name the folder that holds config/ and model-store/",
        },
    ];
}
