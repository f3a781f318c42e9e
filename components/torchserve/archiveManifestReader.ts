import { basename } from "node:path";
import { z } from "zod";
import type { Problem } from "../problems";
import { ArchiveRuntime, modelNameProblems, modelVersionProblems } from "./archive";
import { type ArchiveManifest, DEFAULT_MODEL_VERSION, MANIFEST_NAME } from "./archiveManifest";
import { BUILT_IN_HANDLERS } from "./handlers";

const manifestSchema: z.ZodType<ArchiveManifest> = z.object({
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

function member(data: unknown, key: PropertyKey): unknown {
    return typeof data === "object" && data !== null ? Reflect.get(data, key) : undefined;
}
