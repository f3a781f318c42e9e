import { createWriteStream } from "node:fs";
import { mkdir, mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { prepareStore } from "../../components/storage/preparedStore";
import type { StoreContent } from "../../components/storage/storeContent";
import { configProperties, type TorchServeConfigArgs } from "../../components/torchserve/configProperties";
import { type ModelServingArgs, modelSnapshot } from "../../components/torchserve/modelSnapshot";

/** Writes to disk the very files that a model store uploads, laid out as KServe's storage initializer downloads them. */
export async function writeStore(content: StoreContent): Promise<string> {
    const directory = await mkdtemp(join(tmpdir(), "kst-store-"));
    const { files } = await prepareStore(content, "store");
    for (const file of files) {
        const path = join(directory, file.path);
        await mkdir(dirname(path), { recursive: true });
        await pipeline(file.open(), createWriteStream(path));
    }
    return directory;
}

/** Replaces the configuration of a store of one model by one that our checks would have refused. */
export async function writeUncheckedConfig(
    store: string,
    modelName: string,
    serving: ModelServingArgs,
    config: TorchServeConfigArgs,
    edit: (text: string) => string = text => text,
): Promise<void> {
    const snapshot = modelSnapshot([{ modelName, modelVersion: "1.0", marName: `${modelName}.mar`, serving }]);
    const text = configProperties({ config, snapshot, installRequirements: false });
    await writeFile(join(store, "config", "config.properties"), edit(text));
}
