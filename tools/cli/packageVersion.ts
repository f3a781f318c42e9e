import { readFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

/** Read, not imported: the compiler would copy package.json into dist/, where it would be taken for the package's own. */
export function packageVersion(): string {
    const text = readFileSync(join(__dirname, "../../../package.json"), "utf8");
    return z.looseObject({ version: z.string() }).parse(JSON.parse(text)).version;
}
