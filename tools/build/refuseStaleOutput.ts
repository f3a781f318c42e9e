import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMPILED_SOURCES, type CompiledSource, staleSource } from "./staleOutput";

// Imported for its effect, first thing in index.ts. Pulumi runs the compiled program and builds nothing itself, so that without
// this an edit would be deployed at the next build instead of at the next `pulumi up` (docs/decisions.md, "Compiled program").
const output = dirname(dirname(__dirname));
const sources = JSON.parse(readFileSync(join(output, COMPILED_SOURCES), "utf8")) as CompiledSource[];
const stale = staleSource(
    dirname(output),
    sources.filter(({ path }) => !/^(tools|bench|test)\//.test(path)),
);
if (stale !== undefined) {
    process.stderr.write(`${stale} has changed since the program was compiled; run \`npm run build\` and try again\n`);
    process.exit(1);
}
