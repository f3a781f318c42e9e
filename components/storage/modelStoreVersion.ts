import type * as pulumi from "@pulumi/pulumi";
import { ProviderResource } from "../dynamicProvider";
import type { StoreContent } from "./storeContent";

export interface ModelStoreVersionArgs {
    bucket: pulumi.Input<string>;
    /** Name of the store, the first part of its prefix in the bucket. */
    store: string;
    /** The version: digest of the store's content. */
    digest: pulumi.Input<string>;
    /** What to make the version from when it is not there yet; without it, a version that is not complete is an error. */
    content?: StoreContent;
    /** Endpoint of the Cloud Storage API, if not Google's. */
    storageEndpoint?: pulumi.Input<string>;
}

/**
 * Exists once all of a version is in the bucket, marker included. What is given to others from it cannot be used before.
 *
 * An uploader of our own and not one `BucketObject` a file: the engine and the gcp provider hold a `FileAsset` in memory several times
 * and read it at every preview (1 GiB: 3.3 GB of memory; docs/decisions.md has the figures), and a deleted one takes its object along,
 * which a revision may still be starting from.
 */
export class ModelStoreVersion extends ProviderResource {
    /** Names of the models in the version. */
    declare readonly modelNames: pulumi.Output<string[]>;

    constructor(name: string, args: ModelStoreVersionArgs, opts: pulumi.CustomResourceOptions) {
        super("ModelStoreVersion", "modelStoreVersion", name, { ...args, modelNames: undefined }, opts);
    }
}
