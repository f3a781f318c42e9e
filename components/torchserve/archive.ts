import { basename } from "node:path";
import type { Problem } from "../problems";
import { BUILT_IN_HANDLERS, handlerFile } from "./handlers";

/** Interpreter that TorchServe starts a model's workers with. Its third, `LSP`, needs the C++ backend, which no KServe image has. */
export enum ArchiveRuntime {
    Python = "python",
    Python3 = "python3",
}

/**
 * A model archive (MAR): either the files that it is made from, or `archive`. All plain: they decide what is uploaded.
 * Relative paths start at the program's directory.
 */
export interface ModelArchiveArgs {
    /**
     * Path of an archive that exists already, ending in `.mar`; nothing else is given with it.
     * @default none: the archive is made from the files below
     */
    archive?: string;
    /**
     * Name that the model is served under: letters, digits, `_` and `-`, starting with a letter or a digit. Required without `archive`.
     * @default none
     */
    modelName?: string;
    /**
     * Version of the model, as TorchServe shows it in its URLs: letters, digits, `_`, `.` and `-`.
     * @default 1.0
     */
    version?: string;
    /**
     * A built-in handler, e.g. `image_classifier`, or the path of a Python file, with `:FUNCTION` after it when its entry point is
     * neither a handler class nor named `handle`. Required without `archive`.
     * @default none
     */
    handler?: string;
    /**
     * Path of the Python file with the model's class, for weights that are a state dictionary.
     * @default none
     */
    modelFile?: string;
    /**
     * Path of the weights: a state dictionary, TorchScript (`.pt`) or ONNX (`.onnx`).
     * @default none
     */
    serializedFile?: string;
    /**
     * Paths of more files, and of folders whose content goes into the archive's root.
     * @default none
     */
    extraFiles?: string[];
    /**
     * Path of a pip requirements file that is installed when the model is loaded.
     * @default none
     */
    requirementsFile?: string;
    /**
     * Path of a `model-config.yaml`.
     * @default none
     */
    configFile?: string;
    /**
     * Interpreter of the workers.
     * @default ArchiveRuntime.Python
     */
    runtime?: ArchiveRuntime;
}

/** The mistakes that show without reading a file. */
export function archiveProblems(args: ModelArchiveArgs, path: string): Problem[] {
    return args.archive === undefined ? madeArchiveProblems(args, path) : givenArchiveProblems(args, args.archive, path);
}

/** Changes every path, given with the member that it stands in, and nothing else; a built-in handler is no path. */
export function mapArchivePaths(args: ModelArchiveArgs, map: (path: string, member: string) => string): ModelArchiveArgs {
    const mapped = { ...args };
    for (const key of ["archive", "modelFile", "serializedFile", "requirementsFile", "configFile"] as const) {
        const path = args[key];
        if (path !== undefined) {
            mapped[key] = map(path, key);
        }
    }
    if (args.extraFiles !== undefined) {
        mapped.extraFiles = args.extraFiles.map((path, index) => map(path, `extraFiles[${index}]`));
    }
    const handler = args.handler === undefined ? undefined : handlerFile(args.handler);
    if (handler !== undefined) {
        mapped.handler = map(handler.file, "handler") + handler.suffix;
    }
    return mapped;
}

/** Name of a model that both ask for: TorchServe takes dots, which KServe's URLs do not. */
export function modelNameProblems(modelName: string, path: string): Problem[] {
    // Sources: torch-model-archiver `check_model_name_regex_or_exit`, `^[A-Za-z0-9][A-Za-z0-9_\-.]*$`; KServe 0.20
    // `pkg/constants/constants.go`, `PredictPrefix` `^/v1/models/[\w-]+(:predict)?`: a name with a dot can never be reached.
    return matchProblems(modelName, /^[A-Za-z0-9][A-Za-z0-9_-]*$/, path, {
        allowed: "a name of letters, digits, _ and -, starting with a letter or a digit",
        remedy: "rename the model; KServe's prediction URLs take no other characters, not even a dot",
    });
}

/** A version is one segment of TorchServe's `/predictions/NAME/VERSION`. */
export function modelVersionProblems(version: string, path: string): Problem[] {
    return matchProblems(version, /^[A-Za-z0-9][A-Za-z0-9_.-]*$/, path, {
        allowed: "a version of letters, digits, _, . and -, starting with a letter or a digit",
        remedy: "write it as in 1.0; it is a part of TorchServe's URLs",
    });
}

function givenArchiveProblems(args: ModelArchiveArgs, archive: string, path: string): Problem[] {
    const others = Object.entries(args).filter(([key, value]) => key !== "archive" && value !== undefined);
    const problems = others.map(([key, found]) => ({
        path: `${path}.${key}`,
        found,
        allowed: "given together with archive",
        remedy: "give either an existing archive or the files to make one from; an existing one says the rest itself",
    }));
    // Source: TorchServe `ModelArchive.downloadModel`: what does not end in .mar is unpacked as a gzipped tar, and a URL with `..` is refused.
    const name = matchProblems(basename(archive), /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\.mar$/, `${path}.archive`, {
        allowed: "the path of a .mar file, named in letters, digits, _, - and single dots",
        remedy: "rename the file; for another format than .mar, give the files that it was made from",
    });
    return [...problems, ...name];
}

function madeArchiveProblems(args: ModelArchiveArgs, path: string): Problem[] {
    const runtimes: readonly string[] = Object.values(ArchiveRuntime);
    return [
        ...(args.modelName === undefined
            ? [missing(`${path}.modelName`, "a model's name", "name the model, or give an existing archive")]
            : modelNameProblems(args.modelName, `${path}.modelName`)),
        ...modelVersionProblems(args.version ?? "1.0", `${path}.version`),
        ...(args.handler === undefined
            ? [missing(`${path}.handler`, "a handler", "give a built-in handler's name or a Python file, or give an existing archive")]
            : handlerProblems(args, args.handler, path)),
        // Source: TorchServe `base_handler.py`, `_load_pickled_model`: imports what stands before the first dot of the file's name.
        ...(args.modelFile === undefined
            ? []
            : matchProblems(basename(args.modelFile), /^[^.]+\.py$/, `${path}.modelFile`, {
                  allowed: "a Python file without another dot in its name",
                  remedy: "give the .py file with the model's class; weights go into serializedFile",
              })),
        ...(args.runtime === undefined || runtimes.includes(args.runtime)
            ? []
            : [
                  {
                      path: `${path}.runtime`,
                      found: args.runtime,
                      allowed: `one of ${runtimes.join(", ")}`,
                      remedy: "leave it out for python",
                  },
              ]),
    ];
}

function handlerProblems(args: ModelArchiveArgs, handler: string, path: string): Problem[] {
    const builtIn = BUILT_IN_HANDLERS.get(handler);
    if (builtIn?.loadsModel) {
        return weightsProblems(args, handler, path);
    }
    if (builtIn !== undefined) {
        return [];
    }
    const file = handlerFile(handler)?.file;
    if (file === undefined) {
        return [
            {
                path: `${path}.handler`,
                found: handler,
                allowed: `a built-in handler (${[...BUILT_IN_HANDLERS.keys()].join(", ")}) or the path of a .py file`,
                remedy: "write the file's path with its .py, and :FUNCTION after it for an entry point of its own",
            },
        ];
    }
    // Source: TorchServe `ts/model_loader.py`: the file is imported by its name, in which a dot would stand for a package.
    return matchProblems(basename(file), /^[^.]+\.py$/, `${path}.handler`, {
        allowed: "a Python file without another dot in its name",
        remedy: "rename the file; TorchServe imports it by its name",
    });
}

/** Source: TorchServe 0.12 `ts/torch_handler/base_handler.py`, `initialize`: anything else ends in "No model weights could be loaded". */
function weightsProblems(args: ModelArchiveArgs, handler: string, path: string): Problem[] {
    if (args.modelFile !== undefined || /\.(pt|onnx|so)$/.test(args.serializedFile ?? "")) {
        return [];
    }
    return [
        {
            path: `${path}.serializedFile`,
            found: args.serializedFile,
            allowed: `weights that ${handler} can load without a model file: TorchScript (.pt), ONNX (.onnx) or compiled ahead of time (.so)`,
            remedy: "give modelFile too when the weights are a state dictionary",
        },
    ];
}

function matchProblems(found: string, pattern: RegExp, path: string, rule: Pick<Problem, "allowed" | "remedy">): Problem[] {
    return pattern.test(found) ? [] : [{ path, found, ...rule }];
}

const missing = (path: string, allowed: string, remedy: string): Problem => ({ path, found: undefined, allowed, remedy });
