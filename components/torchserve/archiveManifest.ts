import { basename } from "node:path";
import { ArchiveRuntime, type ModelArchiveArgs } from "./archive";
import { handlerFile } from "./handlers";

export const MANIFEST_NAME = "MAR-INF/MANIFEST.json";

/** TorchServe gives a model without a version this one (`ModelManager.createModelArchive`). */
export const DEFAULT_MODEL_VERSION = "1.0";

/**
 * `MAR-INF/MANIFEST.json`: what an archive says of itself. Its file names are those in the archive.
 * Source: torch-model-archiver 0.12 `manifest_components/`; TorchServe 0.12 `Manifest.java`, `ModelArchive.validate`.
 */
export interface ArchiveManifest {
    readonly createdOn?: string | undefined;
    readonly runtime: ArchiveRuntime;
    readonly model: {
        readonly modelName: string;
        readonly serializedFile?: string | undefined;
        readonly handler: string;
        readonly modelFile?: string | undefined;
        readonly modelVersion: string;
        readonly requirementsFile?: string | undefined;
        readonly configFile?: string | undefined;
    };
    readonly archiverVersion?: string | undefined;
}

/** The manifest of an archive that is made from files: member for member torch-model-archiver's, but for the time. */
export function manifestOf(args: ModelArchiveArgs): ArchiveManifest {
    const handler = args.handler ?? "";
    const file = handlerFile(handler);
    return {
        // The archiver writes the time here, which would give every run another archive. TorchServe only warns when it is missing.
        createdOn: "01/01/1980 00:00:00",
        runtime: args.runtime ?? ArchiveRuntime.Python,
        model: {
            modelName: args.modelName ?? "",
            ...named("serializedFile", args.serializedFile),
            handler: file === undefined ? handler : basename(file.file) + file.suffix,
            ...named("modelFile", args.modelFile),
            modelVersion: args.version ?? DEFAULT_MODEL_VERSION,
            ...named("requirementsFile", args.requirementsFile),
            ...named("configFile", args.configFile),
        },
        // The release of the archiver whose manifest this is.
        archiverVersion: "0.12.0",
    };
}

/** In ASCII, as Python's json writes it: TorchServe reads the file in the encoding of the container's locale (`ts/model_loader.py`). */
export function manifestText(manifest: ArchiveManifest): string {
    return JSON.stringify(manifest, undefined, 2).replace(
        /[\u0080-\uffff]/g,
        character => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`,
    );
}

function named(key: string, path: string | undefined): Record<string, string> {
    return path === undefined ? {} : { [key]: basename(path) };
}
