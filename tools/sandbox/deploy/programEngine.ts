import type { IEngineServer } from "@pulumi/pulumi/proto/engine_grpc_pb";
import { GetRootResourceResponse, LogSeverity, SetRootResourceResponse } from "@pulumi/pulumi/proto/engine_pb";
import { Empty } from "google-protobuf/google/protobuf/empty_pb";
import { answer } from "./unary";

export interface ProgramLog {
    readonly severity: "info" | "warning" | "error";
    readonly message: string;
    readonly urn?: string;
}

const severities = {
    [LogSeverity.DEBUG]: undefined,
    [LogSeverity.INFO]: "info",
    [LogSeverity.WARNING]: "warning",
    [LogSeverity.ERROR]: "error",
} as const;

/** The engine as a program knows it: where it logs, and what remembers which resource is the stack. */
export class ProgramEngine {
    rootUrn = "";

    constructor(
        private readonly log: (log: ProgramLog) => void,
        private readonly unsupported: (what: string) => never,
    ) {}

    service(): IEngineServer {
        return {
            log: answer(async request => {
                const severity = severities[request.getSeverity()];
                if (severity !== undefined) {
                    this.log({ severity, message: request.getMessage(), ...(request.getUrn() === "" ? {} : { urn: request.getUrn() }) });
                }
                return new Empty();
            }),
            getRootResource: answer(async () => {
                const response = new GetRootResourceResponse();
                response.setUrn(this.rootUrn);
                return response;
            }),
            setRootResource: answer(async request => {
                this.rootUrn = request.getUrn();
                return new SetRootResourceResponse();
            }),
            startDebugging: answer(async () => this.unsupported("a debugger")),
            requirePulumiVersion: answer(async request =>
                this.unsupported(`a check of the CLI's version (${request.getPulumiVersionRange()})`),
            ),
        };
    }
}
