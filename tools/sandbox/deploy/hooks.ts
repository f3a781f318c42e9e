import type { Callback } from "@pulumi/pulumi/proto/callback_pb";
import type { RegisterResourceHookRequest } from "@pulumi/pulumi/proto/resource_pb";
import type { ProgramCallbacks } from "./callbacks";
import type { Properties } from "./property";
import type { HookMoment, RegisteredResource } from "./registeredResource";
import type { Change } from "./resourceHandler";

interface Hook {
    readonly callback: Callback;
    readonly onDryRun: boolean;
    readonly ignoreErrors: boolean;
}

/** What the engine calls a change, by what it does. A dynamic resource is created each time, as far as its hooks can tell. */
const moments: { readonly [change in Change]?: { readonly before: HookMoment; readonly after: HookMoment } } = {
    created: { before: "beforeCreate", after: "afterCreate" },
    asked: { before: "beforeCreate", after: "afterCreate" },
    updated: { before: "beforeUpdate", after: "afterUpdate" },
};

/** The program's resource hooks, by name. */
export class Hooks {
    private readonly hooks = new Map<string, Hook>();

    constructor(
        private readonly callbacks: ProgramCallbacks,
        private readonly dryRun: boolean,
        private readonly warn: (message: string, urn: string) => void,
    ) {}

    register(request: RegisterResourceHookRequest): void {
        const callback = request.getCallback();
        if (callback === undefined || this.hooks.has(request.getName())) {
            throw new Error(`a hook with the name ${request.getName()} is registered already`);
        }
        this.hooks.set(request.getName(), { callback, onDryRun: request.getOnDryRun(), ignoreErrors: request.getIgnoreErrors() });
    }

    before(change: Change, resource: RegisteredResource, id: string | undefined): Promise<void> {
        return this.run(moments[change]?.before, resource, id);
    }

    after(change: Change, resource: RegisteredResource, id: string | undefined, outputs: Properties): Promise<void> {
        return this.run(moments[change]?.after, resource, id, outputs);
    }

    private async run(moment: HookMoment | undefined, resource: RegisteredResource, id = "", outputs?: Properties): Promise<void> {
        for (const name of (moment && resource.options.hooks?.[moment]) ?? []) {
            const hook = this.hooks.get(name);
            if (hook === undefined) {
                throw new Error(`the hook ${name} is not registered`);
            }
            if (this.dryRun && !hook.onDryRun) {
                continue;
            }
            const error = await this.callbacks.hook(hook.callback, resource, id, outputs);
            if (error !== undefined && !hook.ignoreErrors) {
                throw new Error(`${moment} hook ${name}: ${error}`);
            }
            if (error !== undefined) {
                this.warn(`${moment} hook ${name}: ${error}`, resource.urn);
            }
        }
    }
}
