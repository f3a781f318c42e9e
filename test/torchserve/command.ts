import { join } from "node:path";

/** The addresses of the APIs, in the server's directory. */
export const HTTP_SOCKET = "http.sock";
export const METRICS_SOCKET = "metrics.sock";

/** How to start a TorchServe. It runs in a directory of its own, where its sockets then are. */
export interface Command {
    readonly program: string;
    readonly args: readonly string[];
    readonly env: Readonly<Record<string, string>>;
}

/** With the addresses overridden, so that any number can run beside each other. */
export function loopbackCommand(python: string, store: string, directory: string): Command {
    return {
        program: python,
        args: [
            "-m",
            "ts.model_server",
            "--start",
            "--foreground",
            `--model-store=${join(store, "model-store")}`,
            `--ts-config=${join(store, "config", "config.properties")}`,
        ],
        // enable_envvars_config makes TorchServe prefer these to the file (ConfigManager.java). gRPC has no Unix socket: port 0 is a free one.
        env: {
            TS_INFERENCE_ADDRESS: `unix:${join(directory, HTTP_SOCKET)}`,
            TS_MANAGEMENT_ADDRESS: `unix:${join(directory, HTTP_SOCKET)}`,
            TS_METRICS_ADDRESS: `unix:${join(directory, METRICS_SOCKET)}`,
            TS_GRPC_INFERENCE_PORT: "0",
            TS_GRPC_MANAGEMENT_PORT: "0",
        },
    };
}
