import type { HookMoment, RegisteredResource, ResourceOptions } from "./registeredResource";

type Treatment =
    /** Done as the engine does it. */
    | "honoured"
    /** Has no effect without a past state, a replacement or a plugin, so leaving it out changes nothing. */
    | "meaningless"
    /** Would be ignored if it were let pass: an error. The text says what to do. */
    | { readonly refused: string };

const needsCli = "it needs the engine's memory of past deployments; use the Pulumi CLI";

/** What a deployment without the Pulumi CLI makes of each resource option. Parent, providers, `dependsOn` and transforms are honoured. */
export const treatments: { readonly [option in keyof Required<ResourceOptions>]: Treatment } = {
    /** Marked on the object: removing it from the program is then an error. */
    protect: "honoured",
    /** Marked on the object: it then stays when it is removed from the program. */
    retainOnDelete: "honoured",
    additionalSecretOutputs: "honoured",
    /** Create and update hooks; see `refusedHooks`. */
    hooks: "honoured",
    // Nothing is ever replaced: an object is changed in place, or the server says why it cannot be.
    deleteBeforeReplace: "meaningless",
    replaceOnChanges: "meaningless",
    replaceWith: "meaningless",
    replacementTrigger: "meaningless",
    // Nothing is compared with a past state that would have to be found under an old name; see `problems` for random values.
    aliases: "meaningless",
    hideDiffs: "meaningless",
    // Everything of the stack is deleted, dependents first, whatever would go with something else.
    deletedWith: "meaningless",
    // No plugin is loaded.
    version: "meaningless",
    pluginDownloadURL: "meaningless",
    // Applying does not wait; readiness gates and deletions have bounds of their own.
    customTimeouts: "meaningless",
    ignoreChanges: { refused: needsCli },
    import: { refused: needsCli },
    stateMigrations: { refused: needsCli },
    envVarMappings: { refused: "no provider process is started; set the provider's arguments instead" },
};

const refusedHooks: readonly HookMoment[] = ["beforeDelete", "afterDelete", "onError"];

/** Names every option of a resource that cannot be honoured. */
export function optionProblems(resource: RegisteredResource): string[] {
    const problems: string[] = [];
    for (const [option, treatment] of Object.entries(treatments)) {
        if (typeof treatment === "object" && Object.hasOwn(resource.options, option)) {
            problems.push(`the option ${option} cannot be honoured in the sandbox: ${treatment.refused}`);
        }
    }
    for (const moment of refusedHooks) {
        if (resource.options.hooks?.[moment] !== undefined) {
            problems.push(`a ${moment} hook cannot be honoured in the sandbox: ${needsCli}`);
        }
    }
    if (resource.options.hooks !== undefined && !resource.custom) {
        problems.push("a hook on a component cannot be honoured in the sandbox: whether a component is new only the Pulumi CLI knows");
    }
    if (resource.options.aliases !== undefined && resource.type.startsWith("random:")) {
        problems.push("an alias on a random value cannot be honoured in the sandbox: the value follows from the name; use the Pulumi CLI");
    }
    return problems;
}
