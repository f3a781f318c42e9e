// Compiles the program, the library and the tools into dist/, all or nothing: `npm run build`, and at `npm ci`.
// With --if-stale it does nothing when dist/ is current. Plain JavaScript, because it runs before anything is compiled.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(dirname(fileURLToPath(import.meta.url))));
const require = createRequire(import.meta.url);
const output = join(root, "dist");

if (process.argv.includes("--if-stale") && isCurrent()) {
    process.exit(0);
}

const compiler = join(dirname(require.resolve("typescript/package.json")), "bin/tsc");
const listed = spawnSync(process.execPath, [compiler, "-p", "tsconfig.build.json", "--listFiles"], { cwd: root, encoding: "utf8" });
const lines = listed.stdout.split("\n");
const failures = lines.filter(line => /error TS/.test(line) || /^\s/.test(line));
if (listed.status !== 0) {
    process.stderr.write(`${failures.join("\n")}${listed.stderr}\n`);
    process.exit(1);
}
const { compiledSource, COMPILED_SOURCES } = require(join(output, "tools/build/staleOutput.js"));
const sources = lines
    .filter(line => line.startsWith(`${root}/`) && !line.includes("/node_modules/") && line.endsWith(".ts"))
    .map(line => compiledSource(root, line.slice(root.length + 1)));
const list = join(output, COMPILED_SOURCES);
writeFileSync(`${list}.new`, JSON.stringify(sources));
renameSync(`${list}.new`, list);

function isCurrent() {
    const list = join(output, "sources.json");
    const check = join(output, "tools/build/staleOutput.js");
    return existsSync(list) && existsSync(check) && require(check).staleSource(root, JSON.parse(readFileSync(list, "utf8"))) === undefined;
}
