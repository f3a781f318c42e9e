import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { refuse } from "../problems";
import { configProperties } from "../torchserve/configProperties";
import { type ModelServingArgs, modelNamesProblems, modelSnapshot, type StoredModel } from "../torchserve/modelSnapshot";
import { type PreparedArchive, prepareArchive } from "../torchserve/preparedArchive";
import type { UploadFile } from "./modelUpload";
import { type StoreContent, storeContentProblems } from "./storeContent";
import { type VersionModel, versionDigest } from "./storeVersion";

/** A store that is ready to be uploaded; its big files are read only when they are. */
export interface PreparedStore {
    readonly digest: string;
    readonly models: readonly VersionModel[];
    readonly files: readonly UploadFile[];
}

/** Lays the store out as KServe wants it: `config/config.properties` and `model-store/NAME.mar`. */
export async function prepareStore(content: StoreContent, path: string): Promise<PreparedStore> {
    refuse(storeContentProblems(content, path));
    const archives = await Promise.all(
        content.models.map((model, index) => prepareArchive(model.archive, `${path}.models[${index}].archive`)),
    );
    const models = archives.map((archive, index) => storedModel(archive, content.models[index]?.serving ?? {}));
    refuse(
        modelNamesProblems(
            models.map(model => model.modelName),
            `${path}.models`,
        ),
    );

    const config = configProperties({
        config: content.torchServe ?? {},
        snapshot: modelSnapshot(models),
        installRequirements: archives.some(archive => archive.hasRequirements),
    });
    const files = [textFile("config/config.properties", config), ...archives.map(archiveFile)];
    return { digest: versionDigest(files.map(({ path, size, digest }) => ({ path, size, digest }))), models, files };
}

function storedModel({ modelName, modelVersion, fileName }: PreparedArchive, serving: ModelServingArgs): StoredModel {
    return { modelName, modelVersion, marName: fileName, serving };
}

function archiveFile(archive: PreparedArchive): UploadFile {
    return { path: `model-store/${archive.fileName}`, size: archive.size, digest: archive.digest, open: () => archive.stream() };
}

function textFile(path: string, text: string): UploadFile {
    const bytes = Buffer.from(text);
    return { path, size: bytes.length, digest: createHash("sha256").update(bytes).digest("hex"), open: () => Readable.from([bytes]) };
}
