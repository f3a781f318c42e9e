import { relative, resolve } from "node:path";
import * as pulumi from "@pulumi/pulumi";
import { refuse } from "../problems";
import { mapArchivePaths } from "../torchserve/archive";
import { ModelStoreVersion } from "./modelStoreVersion";
import { prepareStore } from "./preparedStore";
import { type StoreContent, type StoreSource, storeSourceProblems } from "./storeContent";
import { storageUriOf } from "./storeVersion";

/** One of `content`, `version` and `uri`, with the bucket for the first two. */
export interface ModelStoreArgs extends StoreSource {
    /**
     * Bucket that holds the versions: `ModelBucket.bucketName`.
     * @default none, which is right for a `uri` alone
     */
    bucket?: pulumi.Input<string>;
    /**
     * Endpoint of the Cloud Storage API, e.g. of Private Service Connect.
     * @default Google's
     */
    storageEndpoint?: pulumi.Input<string>;
}

/**
 * A model store in the layout that KServe's TorchServe wants, as an immutable version: `gs://BUCKET/NAME/DIGEST`.
 *
 * The digest follows from the content, so the same content is no change and any other content is a new prefix, and with it a new
 * revision of the services that use it. KServe itself never looks at a prefix again (kserve#772).
 */
export class ModelStore extends pulumi.ComponentResource {
    /** For `TorchServeInferenceService`. Known in a preview, and usable only when all of the version is in the bucket. */
    readonly storageUri: pulumi.Output<string>;
    /** The version, for `version`; `undefined` for a store made by other means. */
    readonly digest: pulumi.Output<string> | undefined;
    /** Names of the models, which prediction URLs are made of; `undefined` for a store made by other means. */
    readonly modelNames: pulumi.Output<string[]> | undefined;

    constructor(name: string, args: ModelStoreArgs, opts?: pulumi.ComponentResourceOptions) {
        refuse(storeSourceProblems(args, args.bucket !== undefined, name));
        // What a component is given is kept in the state, and where this machine has its files does not belong there.
        const { content, ...inputs } = args;
        super("kserve-torchserve:index:ModelStore", name, inputs, opts);

        if (args.uri !== undefined) {
            this.storageUri = pulumi.output(args.uri);
        } else {
            const bucket = pulumi.output(args.bucket ?? "");
            const digest = pulumi.output(content ? digestOf(content, name) : (args.version ?? ""));
            const version = new ModelStoreVersion(
                name,
                {
                    bucket,
                    store: name,
                    digest,
                    content: content && withPaths(content, fromWorkingDirectory),
                    storageEndpoint: args.storageEndpoint,
                },
                { parent: this },
            );
            // The URN is known in a preview, so the URI is too; and it is the version's, so nothing can use the URI before the version.
            this.storageUri = pulumi.all([bucket, digest, version.urn]).apply(([bucket, digest]) => storageUriOf(bucket, name, digest));
            this.digest = digest;
            this.modelNames = version.modelNames;
        }
        this.registerOutputs({ storageUri: this.storageUri, digest: this.digest, modelNames: this.modelNames });
    }
}

async function digestOf(content: StoreContent, name: string): Promise<string> {
    return (await prepareStore(content, name)).digest;
}

function withPaths(content: StoreContent, map: (path: string) => string): StoreContent {
    return { ...content, models: content.models.map(model => ({ ...model, archive: mapArchivePaths(model.archive, map) })) };
}

/** The dynamic provider works in the program's directory too, and no machine's paths belong into the state. */
const fromWorkingDirectory = (path: string) => relative(process.cwd(), resolve(path));
