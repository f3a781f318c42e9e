import { type handleUnaryCall, type ServerUnaryCall, type sendUnaryData, status } from "@grpc/grpc-js";

/** A request's answer as a promise; what it rejects with goes back as the call's error. */
export function answer<Request, Response>(serve: (request: Request) => Promise<Response>): handleUnaryCall<Request, Response> {
    return (call: ServerUnaryCall<Request, Response>, callback: sendUnaryData<Response>) => {
        serve(call.request).then(
            result => callback(null, result),
            error => callback({ code: error instanceof Gone ? status.UNAVAILABLE : status.UNKNOWN, details: messageOf(error) }),
        );
    };
}

/**
 * The answer with which the CLI ends a program whose deployment has failed: the program stops then without a word of its own. Source:
 * pulumi/pulumi `sdk/nodejs/runtime/resource.ts`, `terminateRpcs`.
 */
export class Gone extends Error {}

export function messageOf(error: unknown): string {
    return error instanceof Error ? error.message : String(error);
}
