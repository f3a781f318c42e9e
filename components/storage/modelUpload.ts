import type { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import { type Bucket, Storage } from "@google-cloud/storage";
import { OAuth2Client } from "google-auth-library";
import { type CompletionMarker, markerPath, type StoreFile, versionPrefix } from "./storeVersion";

/** A file of a version and how to read it. */
export interface UploadFile extends StoreFile {
    open(): Readable;
}

export interface UploadProgress {
    readonly path: string;
    readonly bytes: number;
    readonly size: number;
}

/** Above this, an upload can be resumed where it broke off; below, it costs a request more. */
const RESUMABLE_BYTES = 8 * 1024 * 1024;

/**
 * Opens Cloud Storage with the access token or the key that the environment variables of Pulumi's gcp provider hold, or else with
 * application default credentials, which can impersonate (`gcloud auth application-default login --impersonate-service-account`).
 * An endpoint without TLS is an emulator on this machine and gets no credentials.
 */
export function openStorage(endpoint: string | undefined): Storage {
    if (endpoint?.startsWith("http://")) {
        return new Storage({ apiEndpoint: endpoint, projectId: "local" });
    }
    const custom = endpoint === undefined ? {} : { apiEndpoint: endpoint, useAuthWithCustomEndpoint: true };
    const accessToken = process.env.GOOGLE_OAUTH_ACCESS_TOKEN;
    if (accessToken !== undefined) {
        const authClient = new OAuth2Client();
        authClient.setCredentials({ access_token: accessToken });
        return new Storage({ ...custom, authClient });
    }
    const { GOOGLE_CREDENTIALS, GOOGLE_CLOUD_KEYFILE_JSON, GCLOUD_KEYFILE_JSON } = process.env;
    const credentials = GOOGLE_CREDENTIALS ?? GOOGLE_CLOUD_KEYFILE_JSON ?? GCLOUD_KEYFILE_JSON;
    if (credentials === undefined) {
        return new Storage(custom);
    }
    return new Storage({
        ...custom,
        ...(credentials.trimStart().startsWith("{") ? { credentials: JSON.parse(credentials) } : { keyFilename: credentials }),
    });
}

/** Reads a version's marker; `undefined` if the version is not complete. */
export async function readMarker(bucket: Bucket, store: string, digest: string): Promise<CompletionMarker | undefined> {
    try {
        const [text] = await bucket.file(markerPath(store, digest)).download();
        return JSON.parse(text.toString()) as CompletionMarker;
    } catch (error) {
        if (statusOf(error) === 404) {
            return undefined;
        }
        throw error;
    }
}

/**
 * Brings a version into the bucket: each file that is not there yet, then the marker. Killed at any point, it leaves whole files and
 * no marker, and the next run goes on from there.
 */
export async function uploadVersion(
    bucket: Bucket,
    marker: CompletionMarker,
    files: readonly UploadFile[],
    onProgress: (progress: UploadProgress) => void,
): Promise<void> {
    const prefix = `${versionPrefix(marker.store, marker.digest)}/`;
    const [present] = await bucket.getFiles({ prefix });
    const sizes = new Map(present.map(file => [file.name, Number(file.metadata.size)]));
    for (const file of files) {
        const name = prefix + file.path;
        const found = sizes.get(name);
        if (found === undefined) {
            await uploadOnce(bucket, name, file, onProgress);
        } else if (found !== file.size) {
            throw new Error(
                `gs://${bucket.name}/${name} has ${found} bytes and not ${file.size}: something else has written into a version, ` +
                    "which nothing may; remove that object and run again",
            );
        }
    }
    const text = `${JSON.stringify(marker, undefined, 2)}\n`;
    await unlessPresent(
        bucket.file(markerPath(marker.store, marker.digest)).save(text, {
            resumable: false,
            contentType: "application/json",
            preconditionOpts: { ifGenerationMatch: 0 },
        }),
    );
}

/** Cloud Storage shows an object only when all of it has arrived; `ifGenerationMatch: 0` makes it the first and only one of its name. */
async function uploadOnce(bucket: Bucket, name: string, file: UploadFile, onProgress: (progress: UploadProgress) => void): Promise<void> {
    let bytes = 0;
    const target = bucket.file(name).createWriteStream({
        resumable: file.size >= RESUMABLE_BYTES,
        validation: "crc32c",
        contentType: "application/octet-stream",
        preconditionOpts: { ifGenerationMatch: 0 },
    });
    const source = file.open();
    source.on("data", (chunk: Buffer) => {
        bytes += chunk.length;
        onProgress({ path: file.path, bytes, size: file.size });
    });
    source.pause();
    await unlessPresent(pipeline(source, target));
}

/** A failed precondition means that another run has put the same content there first. */
async function unlessPresent(upload: Promise<void>): Promise<void> {
    try {
        await upload;
    } catch (error) {
        if (statusOf(error) !== 412) {
            throw error;
        }
    }
}

/** The HTTP status of the storage client's errors; it calls it `code`, or `status` when the transport failed. */
function statusOf(error: unknown): number | undefined {
    if (typeof error !== "object" || error === null) {
        return undefined;
    }
    const code = "code" in error ? error.code : "status" in error ? error.status : undefined;
    return Number(code) || undefined;
}
