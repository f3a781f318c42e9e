import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { COMPILED_SOURCES, type CompiledSource, staleSource } from "./staleOutput";

// Said here, since what comes next would not even load: Pulumi's SDK and others need it.
const [major = 0] = process.versions.node.split(".").map(Number);
if (major < 22) {
    process.stderr.write(
        `the program needs Node 22.13 or newer and this is ${process.versions.node}; \`npx pulumi\` and npm scripts bring their own\n`,
    );
    process.exit(1);
}

// Imported for its effect, first thing in index.ts. Pulumi runs the compiled program and builds nothing itself, so that without
// this an edit would be deployed at the next build instead of at the next `pulumi up` (docs/decisions.md, "The program is compiled").
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
