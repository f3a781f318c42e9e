import { describe } from "vitest";
import { missingTorchServeDependencies } from "./dependencies";
import { podUnavailable } from "./pod";

/** Enough for the environment to be built on first use and for a server to start on a busy machine; both have bounds of their own. */
export const TORCHSERVE_TIMEOUT_MILLISECONDS = 8 * 60 * 1000;

/** Tests that run the real TorchServe; where it cannot run they are skipped, and the reason is said. */
export function describeWithTorchServe(title: string, tests: () => void): void {
    describeUnless(torchServeUnavailable(), title, tests);
}

/** Tests that run the real TorchServe as its pod would. */
export function describeWithPod(title: string, tests: () => void): void {
    describeUnless(torchServeUnavailable() ?? podUnavailable(), title, tests);
}

function torchServeUnavailable(): string | undefined {
    const missing = missingTorchServeDependencies();
    return missing.length === 0 ? undefined : `it needs ${missing.join("; ")}: run \`npm test -- --with-deps\``;
}

const said = new Set<string>();

function describeUnless(reason: string | undefined, title: string, tests: () => void): void {
    if (reason !== undefined && !said.has(reason)) {
        said.add(reason);
        console.warn(`Skipping what runs the real TorchServe: ${reason}.`);
    }
    describe.skipIf(reason !== undefined)(title, { timeout: TORCHSERVE_TIMEOUT_MILLISECONDS }, tests);
}
