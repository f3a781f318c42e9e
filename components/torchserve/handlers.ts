/** What TorchServe needs to know of a handler that it brings along. */
export interface BuiltInHandler {
    /** First of the TorchServe releases that we support which has it. */
    readonly since: string;
    /** Whether it loads the model by `BaseHandler.initialize`, which fails without a model file or weights of a kind that it knows. */
    readonly loadsModel: boolean;
}

/**
 * Handlers named without a file.
 * Source: torch-model-archiver 0.9.0 and 0.12.0, `model_packaging_utils.py` `model_handlers`; `ts/torch_handler/` of the same releases.
 */
export const BUILT_IN_HANDLERS: ReadonlyMap<string, BuiltInHandler> = new Map([
    ["base_handler", { since: "0.9.0", loadsModel: true }],
    ["text_classifier", { since: "0.9.0", loadsModel: true }],
    ["image_classifier", { since: "0.9.0", loadsModel: true }],
    ["object_detector", { since: "0.9.0", loadsModel: true }],
    ["image_segmenter", { since: "0.9.0", loadsModel: true }],
    ["dali_image_classifier", { since: "0.9.0", loadsModel: true }],
    ["vllm_handler", { since: "0.12.0", loadsModel: false }],
    ["trt_llm_handler", { since: "0.12.0", loadsModel: false }],
]);

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
