import type { Callback } from "@pulumi/pulumi/proto/callback_pb";
import type { RegisterResourceRequest } from "@pulumi/pulumi/proto/resource_pb";
import type { Declared, ProgramCallbacks } from "./callbacks";

/** The program's transforms: each resource's own, which are its descendants' too, and the stack's. */
export class Transforms {
    private readonly parents = new Map<string, string | undefined>();
    private readonly byResource = new Map<string, readonly Callback[]>();
    private readonly ofStack: Callback[] = [];

    constructor(private readonly callbacks: ProgramCallbacks) {}

    addToStack(transform: Callback): void {
        this.ofStack.push(transform);
    }

    /** Its own, then those of its ancestors from the nearest on, then the stack's. Source: pulumi/pulumi `pkg/resource/deploy/source_eval.go`. */
    async apply(urn: string, request: RegisterResourceRequest, declared: Declared): Promise<Declared> {
        this.parents.set(urn, request.getParent() || undefined);
        this.byResource.set(urn, request.getTransformsList());
        let result = declared;
        for (let current: string | undefined = urn; current !== undefined; current = this.parents.get(current)) {
            for (const transform of this.byResource.get(current) ?? []) {
                result = await this.callbacks.transform(transform, request, result);
            }
        }
        for (const transform of this.ofStack) {
            result = await this.callbacks.transform(transform, request, result);
        }
        return result;
    }
}
