// `npm test`: every layer, the fast ones first, and a last line with the sum. Plain JavaScript, so that it runs before anything else.
//
//   npm test                  what this machine can run; says what it skips and why
//   npm test -- --with-deps   installs first what the system lacks
//   npm test -- NAME…         only these layers
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const results = mkdtempSync(join(tmpdir(), "kserve-torchserve-test-"));
const total = { passed: 0, failed: 0, skipped: 0 };

/** Each ends by itself: waits inside are bounded. What starts servers of a gigabyte or two runs a file at a time. */
const LAYERS = [
    {
        name: "fast",
        run: () => vitest("test/config.test.ts", "test/components", "test/tools", "test/program", "test/policies", "test/project"),
    },
    { name: "archiver", run: () => vitest("test/archiver") },
    { name: "torchserve", run: () => vitest("test/torchserve", "--no-file-parallelism") },
    { name: "servers", run: () => goTest("tools/sandbox/servers/knative", "tools/sandbox/servers/objectstore") },
    { name: "sandbox", run: () => sandbox("test/sandbox", "--no-file-parallelism") },
    { name: "engine", run: () => sandbox("test/engine", "--no-file-parallelism") },
];

const options = process.argv.slice(2);
const unknown = options.filter(option => option !== "--with-deps" && !LAYERS.some(layer => layer.name === option));
if (unknown.length > 0) {
    console.error(`npm test does not know ${unknown.join(", ")}; it takes --with-deps and ${LAYERS.map(layer => layer.name).join(", ")}`);
    process.exit(2);
}
const chosen = LAYERS.filter(layer => options.includes(layer.name));

run("node", "tools/build/build.mjs", "--if-stale");
if (options.includes("--with-deps")) {
    const { installTorchServeDependencies } = await import("./torchserve/dependencies.ts");
    installTorchServeDependencies();
}
try {
    for (const layer of chosen.length > 0 ? chosen : LAYERS) {
        console.log(`\n── ${layer.name}`);
        const started = Date.now();
        layer.run();
        console.log(`── ${layer.name}: ${Math.round((Date.now() - started) / 1000)} s`);
    }
} finally {
    rmSync(results, { recursive: true, force: true });
}
console.log(`\n${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed > 0 ? 1 : 0);

function vitest(...paths) {
    const file = join(results, "vitest.json");
    rmSync(file, { force: true });
    const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${file}`];
    const { status } = spawnSync("vitest", ["run", ...reporters, ...paths], { cwd: root, stdio: "inherit" });
    const counted = { passed: 0, failed: 0, skipped: 0 };
    try {
        const report = JSON.parse(readFileSync(file, "utf8"));
        counted.passed = report.numPassedTests;
        counted.failed = report.numFailedTests;
        counted.skipped = report.numPendingTests + report.numTodoTests;
    } catch {
        // No report at all: vitest itself has failed, which the status below says.
    }
    // An unhandled rejection or a file that cannot be loaded fails the run without failing a test.
    add(status !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted);
}

/** Builds the sandbox's servers where they are not built; what it says when it cannot is the reason why the layer is skipped. */
function sandbox(...paths) {
    const withDeps = options.filter(option => option === "--with-deps");
    if (spawnSync("node", ["bin/kst.js", "sandbox", "build", ...withDeps], { cwd: root, stdio: "inherit" }).status === 0) {
        vitest(...paths);
    } else if (withDeps.length > 0 || hasGo()) {
        console.log("failed: the sandbox's servers were not built");
        add({ passed: 0, failed: 1, skipped: 0 });
    } else {
        console.log("skipped: no sandbox without its servers, and no Go to build them");
        add({ passed: 0, failed: 0, skipped: 1 });
    }
}

function goTest(...modules) {
    if (!hasGo()) {
        console.log("skipped: no Go on PATH, which the sandbox's own servers are written in");
        add({ passed: 0, failed: 0, skipped: modules.length });
        return;
    }
    for (const module of modules) {
        const { status, stdout } = spawnSync("go", ["test", "-json", "./..."], {
            cwd: join(root, module),
            encoding: "utf8",
            stdio: ["ignore", "pipe", "inherit"],
            maxBuffer: 1 << 28,
        });
        const events = stdout.split("\n").flatMap(line => (line.startsWith("{") ? [JSON.parse(line)] : []));
        const count = action => events.filter(event => event.Test !== undefined && event.Action === action).length;
        const counted = { passed: count("pass"), failed: count("fail"), skipped: count("skip") };
        for (const { Action, Output } of status === 0 ? [] : events) {
            if (Action === "output" || Action === "build-output") {
                process.stdout.write(Output);
            }
        }
        console.log(`${module}: ${counted.passed} passed, ${counted.failed} failed`);
        add(status !== 0 && counted.failed === 0 ? { ...counted, failed: 1 } : counted);
    }
}

function hasGo() {
    return spawnSync("go", ["version"]).status === 0;
}

function run(command, ...args) {
    const { status } = spawnSync(command, args, { cwd: root, stdio: "inherit" });
    if (status !== 0) {
        console.log("\n0 passed, 1 failed");
        process.exit(1);
    }
}

function add(counted) {
    for (const key of Object.keys(total)) {
        total[key] += counted[key];
    }
}
