#!/usr/bin/env node
// Plain JavaScript for any Node: the one clear line on an older one, before anything that would not even parse there.
const { engines } = require("../package.json");
const [major, minor] = process.versions.node.split(".").map(Number);
const [needMajor, needMinor] = engines.node.replace(">=", "").split(".").map(Number);
if (major < needMajor || (major === needMajor && minor < needMinor)) {
    console.error(
        `kst needs Node ${needMajor}.${needMinor} or newer and this is ${process.versions.node}; \`npm run\` scripts bring their own`,
    );
    process.exit(1);
}
require("../dist/tools/cli/main.js");
