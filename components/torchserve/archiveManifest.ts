import { basename } from "node:path";
import { z } from "zod";
import type { Problem } from "../problems";
import { ArchiveRuntime, type ModelArchiveArgs, modelNameProblems, modelVersionProblems } from "./archive";
import { BUILT_IN_HANDLERS, handlerFile } from "./handlers";

export const MANIFEST_NAME = "MAR-INF/MANIFEST.json";

/** TorchServe gives a model without a version this one (`ModelManager.createModelArchive`). */
export const DEFAULT_MODEL_VERSION = "1.0";

/**
 * `MAR-INF/MANIFEST.json`: what an archive says of itself. Its file names are those in the archive.
 * Source: torch-model-archiver 0.12 `manifest_components/`; TorchServe 0.12 `Manifest.java`, `ModelArchive.validate`.
 */
const manifestSchema = z.object({
    createdOn: z.string().optional(),
    runtime: z.enum(ArchiveRuntime),
    model: z.object({
        modelName: z.string(),
        serializedFile: z.string().optional(),
        handler: z.string(),
        modelFile: z.string().optional(),
        modelVersion: z.string().default(DEFAULT_MODEL_VERSION),
        requirementsFile: z.string().optional(),
        configFile: z.string().optional(),
    }),
    archiverVersion: z.string().optional(),
});

export type ArchiveManifest = z.output<typeof manifestSchema>;

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

/** Reads a manifest and compares it with the names of the files in its archive. TorchServe itself does neither and its workers die for ever. */
export function readManifest(text: string, names: ReadonlySet<string>, path: string): ArchiveManifest | Problem[] {
    let data: unknown;
    try {
        data = JSON.parse(text);
    } catch {
        return [{ path: `${path}!${MANIFEST_NAME}`, found: text.slice(0, 40), allowed: "JSON", remedy: REMAKE }];
    }
    const parsed = manifestSchema.safeParse(data);
    if (!parsed.success) {
        return parsed.error.issues.map(issue => ({
            path: `${path}!${MANIFEST_NAME}: ${issue.path.join(".")}`,
            found: issue.path.reduce<unknown>(member, data),
            allowed: `valid (${issue.message})`,
            remedy: REMAKE,
        }));
    }
    const problems = manifestProblems(parsed.data, names, `${path}!${MANIFEST_NAME}: model`);
    return problems.length > 0 ? problems : parsed.data;
}

const REMAKE = "make the archive again with torch-model-archiver, or give the files that it was made from";

function manifestProblems({ model }: ArchiveManifest, names: ReadonlySet<string>, path: string): Problem[] {
    const files = (["serializedFile", "modelFile", "requirementsFile", "configFile"] as const).flatMap(key => {
        const name = model[key];
        return name === undefined || names.has(name) ? [] : [absent(`${path}.${key}`, name)];
    });
    return [
        ...modelNameProblems(model.modelName, `${path}.modelName`),
        ...modelVersionProblems(model.modelVersion, `${path}.modelVersion`),
        ...(hasHandler(model.handler, names) ? [] : [absent(`${path}.handler`, model.handler)]),
        ...files,
    ];
}

/** Source: TorchServe 0.12 `ts/model_loader.py`: imports a module of the archive's root, else one of its own. */
function hasHandler(handler: string, names: ReadonlySet<string>): boolean {
    const [file = ""] = handler.split(":");
    const module = basename(file).replace(/\.py$/, "");
    return BUILT_IN_HANDLERS.has(handler) || names.has(`${module}.py`) || names.has(`${module}/__init__.py`);
}

const absent = (path: string, found: string): Problem => ({ path, found, allowed: "a file in the archive", remedy: REMAKE });

function named(key: string, path: string | undefined): Record<string, string> {
    return path === undefined ? {} : { [key]: basename(path) };
}

function member(data: unknown, key: PropertyKey): unknown {
    return typeof data === "object" && data !== null ? Reflect.get(data, key) : undefined;
}
