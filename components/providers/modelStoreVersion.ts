import type * as dynamic from "@pulumi/pulumi/dynamic";
import type { UploadProgress } from "../storage/modelUpload";
import { prepareStore } from "../storage/preparedStore";
import type { StoreContent } from "../storage/storeContent";
import { type CompletionMarker, markerPath } from "../storage/storeVersion";

interface VersionInputs {
    bucket: string;
    store: string;
    digest: string;
    content?: StoreContent;
    storageEndpoint?: string;
}

/** What a not yet known input is to a dynamic provider. Source: `unknownValue` in @pulumi/pulumi's runtime/rpc. */
const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** Pulumi's dynamic provider of `ModelStoreVersion`. */
export const provider: dynamic.ResourceProvider<VersionInputs> = {
    async check(_olds, news) {
        const isKnown = [news.bucket, news.digest, news.storageEndpoint].every(input => input !== UNKNOWN);
        if (news.content !== undefined || !isKnown || (await findMarker(news)) !== undefined) {
            return { inputs: news };
        }
        return { inputs: news, failures: [{ property: "digest", reason: notComplete(news) }] };
    },
    async diff(_id, olds, news) {
        return {
            // The endpoint too, though the version is the same: a refresh asks the one that the state knows.
            changes: (["bucket", "store", "digest", "storageEndpoint"] as const).some(key => olds[key] !== news[key]),
            replaces: (["bucket", "store"] as const).filter(key => olds[key] !== news[key]),
        };
    },
    async create(inputs) {
        return { id: `${inputs.bucket}/${inputs.store}`, outs: await completeVersion(inputs) };
    },
    async update(_id, _olds, news) {
        return { outs: await completeVersion(news) };
    },
    async read(id, props) {
        // A version that somebody removed is gone for the state as well, so that the next `up` makes it again.
        return props !== undefined && (await findMarker(props)) === undefined ? {} : { id, props };
    },
    // No `delete`: a revision that is still routed to may start from the version at any time, and the state does not know of it.
};

/** What the state keeps: which version it is. Where its files came from differs from machine to machine. */
const outputs = ({ bucket, store, digest, storageEndpoint }: VersionInputs, { models }: Pick<CompletionMarker, "models">) => ({
    bucket,
    store,
    digest,
    ...(storageEndpoint === undefined ? {} : { storageEndpoint }),
    modelNames: models.map(model => model.modelName),
});

async function completeVersion(inputs: VersionInputs) {
    const { store, digest } = inputs;
    const marker = await findMarker(inputs);
    if (marker !== undefined) {
        return outputs(inputs, marker);
    }
    if (inputs.content === undefined) {
        throw new Error(notComplete(inputs));
    }
    const prepared = await prepareStore(inputs.content, store);
    if (prepared.digest !== digest) {
        throw new Error(`model store ${store}: its files have changed since the program looked at them; run again`);
    }
    const files = prepared.files.map(({ path, size, digest }) => ({ path, size, digest }));
    const complete: CompletionMarker = {
        store,
        digest,
        models: prepared.models.map(({ modelName, modelVersion }) => ({ modelName, modelVersion })),
        files,
    };
    const { uploadVersion } = await cloudStorage();
    await uploadVersion(await openBucket(inputs), complete, prepared.files, reportTenths());
    return outputs(inputs, complete);
}

/** Loaded when first used: a preview of files asks the bucket nothing, and the client takes longer to load than the program to run. */
const cloudStorage = () => import("../storage/modelUpload.js");

const openBucket = async ({ bucket, storageEndpoint }: VersionInputs) => (await cloudStorage()).openStorage(storageEndpoint).bucket(bucket);

const findMarker = async (inputs: VersionInputs) =>
    (await cloudStorage()).readMarker(await openBucket(inputs), inputs.store, inputs.digest);

const notComplete = ({ bucket, store, digest }: VersionInputs) =>
    `model store ${store} has no complete version ${digest} in gs://${bucket} (no ${markerPath(store, digest)}); ` +
    "deploy it from its files once, or name a version that an earlier deployment printed";

/** A line for each tenth of a file worth waiting for; the engine shows what a dynamic provider prints. */
function reportTenths(): (progress: UploadProgress) => void {
    const reported = new Map<string, number>();
    return ({ path, bytes, size }) => {
        const tenths = Math.floor((bytes / size) * 10);
        if (size >= 64 * 1024 * 1024 && tenths > (reported.get(path) ?? 0)) {
            reported.set(path, tenths);
            console.log(`${path}: ${tenths * 10}% of ${Math.round(size / 1024 / 1024)} MiB uploaded`);
        }
    };
}
