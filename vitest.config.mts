import { defineConfig } from "vitest/config";

export default defineConfig({
    test: {
        include: ["test/**/*.test.ts"],
        testTimeout: 20_000,
        // An unhandled rejection is how a Pulumi program loses a failed resource without a sign: it fails the run.
        dangerouslyIgnoreUnhandledErrors: false,
    },
});
