import { type Bounds, type Problem, wholeNumberProblems } from "../problems";

/** How TorchServe serves one model. Every member is written into the snapshot: 0.9 fails on a missing one (serve#3308). */
export interface ModelServingArgs {
    /**
     * Worker processes started for the model, each with a copy of it in memory.
     * @default 1
     */
    minWorkers?: number;
    /**
     * Worker processes at most. TorchServe starts `minWorkers` and scales only when told to through its management API.
     * @default minWorkers
     */
    maxWorkers?: number;
    /**
     * Requests that a worker handles as one batch. More than one is refused: under KServe's envelopes TorchServe 0.9 and 0.12 take only the
     * first request of a batch and answer all of it 503 (ts/torch_handler/request_envelope/kserve.py and kservev2.py).
     * @default 1
     */
    batchSize?: number;
    /**
     * Seconds after which a worker that has not answered is taken for dead and restarted.
     * @default 120
     */
    responseTimeoutSeconds?: number;
    /**
     * Seconds that a worker may take to load the model.
     * @default 120
     */
    startupTimeoutSeconds?: number;
}

/** A model as the store has it: what its archive says of itself, and how to serve it. */
export interface StoredModel {
    readonly modelName: string;
    readonly modelVersion: string;
    /** File name of the archive in `model-store/`. */
    readonly marName: string;
    readonly serving: ModelServingArgs;
}

const DAY_SECONDS = 24 * 60 * 60;

// What TorchServe itself does with the values outside, tried on 0.9 and 0.12: zero workers answer 503 for ever; a response or startup timeout of 0 declares every worker dead; a delay is a Java int.
const BOUNDS: { readonly [Key in keyof Required<Omit<ModelServingArgs, "batchSize">>]: Bounds & { readonly remedy: string } } = {
    minWorkers: { min: 1, max: 1000, remedy: "give the number of worker processes to start; without any the model answers 503" },
    maxWorkers: { min: 1, max: 1000, remedy: "give the most worker processes that may run" },
    responseTimeoutSeconds: { min: 1, max: DAY_SECONDS, remedy: "give seconds; 0 would declare every worker dead" },
    startupTimeoutSeconds: { min: 1, max: DAY_SECONDS, remedy: "give the seconds that loading takes at most" },
};

export function modelServingProblems(serving: ModelServingArgs, path: string): Problem[] {
    const problems = (Object.keys(BOUNDS) as (keyof typeof BOUNDS)[]).flatMap(key =>
        wholeNumberProblems(`${path}.${key}`, serving[key], BOUNDS[key], BOUNDS[key].remedy),
    );
    const { minWorkers = 1, maxWorkers = minWorkers } = serving;
    if (maxWorkers < minWorkers) {
        problems.push({
            path: `${path}.maxWorkers`,
            found: maxWorkers,
            allowed: `at least minWorkers, which is ${minWorkers}`,
            remedy: "raise maxWorkers or leave it out",
        });
    }
    if (serving.batchSize !== undefined && serving.batchSize !== 1) {
        problems.push({
            path: `${path}.batchSize`,
            found: serving.batchSize,
            allowed: "1, the only size that TorchServe answers under KServe's protocols",
            remedy: "put several instances into one request, or more workers behind the service",
        });
    }
    return problems;
}

/**
 * Problems of a whole store, beside those of each model: TorchServe takes the last of two models of one name. An existing archive says
 * its name only when it is read, so a name may not be known yet.
 */
export function modelNamesProblems(names: readonly (string | undefined)[], path: string): Problem[] {
    if (names.length === 0) {
        return [
            {
                path,
                found: [],
                allowed: "a list of one model or more",
                remedy: "add a model; TorchServe starts without any and answers 404",
            },
        ];
    }
    return names.flatMap((found, index) => {
        const first = names.indexOf(found);
        return found === undefined || first === index
            ? []
            : [
                  {
                      path: `${path}[${index}].archive.modelName`,
                      found,
                      allowed: `a name of its own; models[${first}] has it`,
                      remedy: "rename one, or serve the second version from a store of its own",
                  },
              ];
    });
}

/**
 * The `model_snapshot` of config.properties: valid JSON on one line, because the KServe wrapper reads the file line by line
 * (pytorch/serve, kubernetes/kserve/kserve_wrapper/__main__.py), with every key that TorchServe's Gson reader wants
 * (frontend/server, Model.setModelState). The models stand in order of their names: same models, same text.
 */
export function modelSnapshot(models: readonly StoredModel[]): string {
    const byName = models.toSorted((a, b) => (a.modelName < b.modelName ? -1 : 1));
    return JSON.stringify({
        name: "startup.cfg",
        modelCount: models.length,
        models: Object.fromEntries(byName.map(model => [model.modelName, { [model.modelVersion]: snapshotEntry(model) }])),
    });
}

function snapshotEntry({ marName, serving }: StoredModel) {
    const minWorkers = serving.minWorkers ?? 1;
    return {
        defaultVersion: true,
        marName,
        minWorkers,
        maxWorkers: serving.maxWorkers ?? minWorkers,
        batchSize: serving.batchSize ?? 1,
        // Without batches nothing waits for one; TorchServe wants the key all the same.
        maxBatchDelay: 100,
        responseTimeout: serving.responseTimeoutSeconds ?? 120,
        startupTimeout: serving.startupTimeoutSeconds ?? 120,
    };
}
