import type { Problem } from "../problems";
import { TorchServeRelease } from "./images";

/** What TorchServe needs to know of a handler that it brings along. */
export interface BuiltInHandler {
    /** First of the TorchServe releases that we support which has it. */
    readonly since: TorchServeRelease;
    /** Whether it loads the model by `BaseHandler.initialize`, which fails without a model file or weights of a kind that it knows. */
    readonly loadsModel: boolean;
}

/** Oldest first. */
const RELEASES = [TorchServeRelease.V0_9_0, TorchServeRelease.V0_12_0];

/**
 * Handlers named without a file.
 * Source: torch-model-archiver 0.9.0 and 0.12.0, `model_packaging_utils.py` `model_handlers`; `ts/torch_handler/` of the same releases.
 */
export const BUILT_IN_HANDLERS: ReadonlyMap<string, BuiltInHandler> = new Map<string, BuiltInHandler>([
    ["base_handler", { since: TorchServeRelease.V0_9_0, loadsModel: true }],
    ["text_classifier", { since: TorchServeRelease.V0_9_0, loadsModel: true }],
    ["image_classifier", { since: TorchServeRelease.V0_9_0, loadsModel: true }],
    ["object_detector", { since: TorchServeRelease.V0_9_0, loadsModel: true }],
    ["image_segmenter", { since: TorchServeRelease.V0_9_0, loadsModel: true }],
    ["dali_image_classifier", { since: TorchServeRelease.V0_9_0, loadsModel: true }],
    ["vllm_handler", { since: TorchServeRelease.V0_12_0, loadsModel: false }],
    ["trt_llm_handler", { since: TorchServeRelease.V0_12_0, loadsModel: false }],
]);

/** A handler that the release does not have: its workers would die for ever, and 0.9's wrapper report the model ready. */
export function handlerReleaseProblems(handler: string | undefined, release: TorchServeRelease, path: string): Problem[] {
    const builtIn = handler === undefined ? undefined : BUILT_IN_HANDLERS.get(handler);
    if (builtIn === undefined || RELEASES.indexOf(builtIn.since) <= RELEASES.indexOf(release)) {
        return [];
    }
    return [
        {
            path,
            found: handler,
            allowed: `a handler of TorchServe ${release}; it came with ${builtIn.since}`,
            remedy: "use the newer release in runtime.image, or another handler",
        },
    ];
}

/** A handler of one's own. */
export interface HandlerFile {
    /** Path of the Python file. */
    readonly file: string;
    /** Entry point that is named after the file, with its colon; empty for the handler class or `handle`. */
    readonly suffix: string;
}

/**
 * Takes `path/handler.py` or `path/handler.py:function` apart; `undefined` when it is neither.
 * Source: TorchServe 0.12 `ts/model_loader.py`, `_load_handler_file`.
 */
export function handlerFile(handler: string): HandlerFile | undefined {
    const match = /^(.+\.py)(:[A-Za-z_]\w*)?$/.exec(handler);
    return match?.[1] === undefined ? undefined : { file: match[1], suffix: match[2] ?? "" };
}
