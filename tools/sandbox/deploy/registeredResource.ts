import type { Alias } from "@pulumi/pulumi/proto/alias_pb";
import { type RegisterResourceRequest, TransformResourceOptions } from "@pulumi/pulumi/proto/resource_pb";
import { fromWire, type Properties, type Property } from "./property";

/** Everything a program said about one resource, after all transforms. */
export interface RegisteredResource {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    /** URN; absent for the stack itself. */
    readonly parent?: string;
    /** False for components. */
    readonly custom: boolean;
    /** Made by a component that lives in another process. */
    readonly remote: boolean;
    readonly inputs: Properties;
    /** URNs of all resources this one must come after, from its inputs and `dependsOn`. */
    readonly dependencies: readonly string[];
    /** Of these, the ones each input comes from. */
    readonly propertyDependencies: Readonly<Record<string, readonly string[]>>;
    /** URN of the explicit provider. */
    readonly provider?: string;
    /** URNs of a component's providers, by package. */
    readonly providers: Readonly<Record<string, string>>;
    readonly options: ResourceOptions;
}

/** The rest of `pulumi.ResourceOptions`, in its own names; what was not given is absent. */
export interface ResourceOptions {
    readonly protect?: boolean;
    readonly retainOnDelete?: boolean;
    readonly deleteBeforeReplace?: boolean;
    readonly ignoreChanges?: readonly string[];
    readonly replaceOnChanges?: readonly string[];
    readonly replaceWith?: readonly string[];
    readonly replacementTrigger?: Property;
    readonly aliases?: readonly ResourceAlias[];
    readonly customTimeouts?: { readonly create?: string; readonly update?: string; readonly delete?: string; readonly read?: string };
    readonly deletedWith?: string;
    readonly import?: string;
    readonly additionalSecretOutputs?: readonly string[];
    readonly hideDiffs?: readonly string[];
    readonly version?: string;
    readonly pluginDownloadURL?: string;
    readonly hooks?: HookBindings;
    readonly envVarMappings?: Readonly<Record<string, string>>;
    /** How many were given: the functions themselves stay with the program. */
    readonly stateMigrations?: number;
}

/** Names of the hooks bound to each moment of a resource's life. */
export type HookBindings = { readonly [moment in HookMoment]?: readonly string[] };

export type HookMoment = "beforeCreate" | "afterCreate" | "beforeUpdate" | "afterUpdate" | "beforeDelete" | "afterDelete" | "onError";

export type ResourceAlias =
    | { readonly urn: string }
    | { readonly name?: string; readonly type?: string; readonly stack?: string; readonly project?: string; readonly parent?: string };

/** Pulumi's URN of a resource. Source: `createUrn` in pulumi/pulumi `sdk/nodejs/resource.ts`. */
export function urnOf(project: string, stack: string, type: string, name: string, parent?: string): string {
    const parentType = parent === undefined ? "" : (parent.split("::")[2] ?? "");
    const prefix = parentType === "" || parentType === "pulumi:pulumi:Stack" ? "" : `${parentType}$`;
    return `urn:pulumi:${stack}::${project}::${prefix}${type}::${name}`;
}

/** `type name`, as the engine's own display names a resource. */
export function describe(resource: Pick<RegisteredResource, "type" | "name">): string {
    return `${resource.type} ${resource.name}`;
}

/** The options in the form in which transforms get and return them. */
export function transformOptions(request: RegisterResourceRequest): TransformResourceOptions {
    const options = new TransformResourceOptions();
    options.setDependsOnList(request.getDependenciesList());
    if (request.hasProtect()) {
        options.setProtect(request.getProtect() === true);
    }
    if (request.hasRetainondelete()) {
        options.setRetainOnDelete(request.getRetainondelete() === true);
    }
    if (request.getDeletebeforereplacedefined()) {
        options.setDeleteBeforeReplace(request.getDeletebeforereplace());
    }
    options.setIgnoreChangesList(request.getIgnorechangesList());
    options.setReplaceOnChangesList(request.getReplaceonchangesList());
    options.setReplaceWithList(request.getReplaceWithList());
    options.setReplacementTrigger(request.getReplacementTrigger());
    options.setVersion(request.getVersion());
    options.setPluginDownloadUrl(request.getPlugindownloadurl());
    options.setAliasesList(request.getAliasesList());
    options.setProvider(request.getProvider());
    request.getProvidersMap().forEach((reference, name) => {
        options.getProvidersMap().set(name, reference);
    });
    options.setCustomTimeouts(request.getCustomtimeouts());
    options.setDeletedWith(request.getDeletedwith());
    options.setAdditionalSecretOutputsList(request.getAdditionalsecretoutputsList());
    options.setHooks(request.getHooks());
    options.setImport(request.getImportid());
    options.setHideDiffList(request.getHidediffsList());
    return options;
}

/** Reads a registration, given its inputs and options after all transforms. */
export function registeredResource(
    urn: string,
    request: RegisterResourceRequest,
    inputs: Properties,
    options: TransformResourceOptions,
): RegisteredResource {
    const provider = nonEmpty(providerUrn(options.getProvider()));
    const parent = nonEmpty(request.getParent());
    // The Node SDK empties the map of a component's providers when a transform returns options (callbacks.js, `clearProvidersMap`).
    const providers = options.getProvidersMap().getLength() > 0 ? options.getProvidersMap() : request.getProvidersMap();
    return {
        urn,
        type: request.getType(),
        name: request.getName(),
        ...(parent === undefined ? {} : { parent }),
        custom: request.getCustom(),
        remote: request.getRemote(),
        inputs,
        dependencies: [...options.getDependsOnList()].sort(),
        propertyDependencies: Object.fromEntries(
            [...request.getPropertydependenciesMap().entries()]
                .map(([property, urns]) => [property, urns.getUrnsList().sort()] as const)
                .filter(([, urns]) => urns.length > 0),
        ),
        ...(provider === undefined ? {} : { provider }),
        providers: Object.fromEntries([...providers.entries()].map(([name, reference]) => [name, providerUrn(reference)])),
        options: optionsOf(request, options),
    };
}

function optionsOf(request: RegisterResourceRequest, options: TransformResourceOptions): ResourceOptions {
    const timeouts = options.getCustomTimeouts();
    const trigger = options.getReplacementTrigger();
    return given({
        protect: options.hasProtect() ? options.getProtect() : undefined,
        retainOnDelete: options.hasRetainOnDelete() ? options.getRetainOnDelete() : undefined,
        deleteBeforeReplace: options.hasDeleteBeforeReplace() ? options.getDeleteBeforeReplace() : undefined,
        ignoreChanges: nonEmpty(options.getIgnoreChangesList()),
        replaceOnChanges: nonEmpty(options.getReplaceOnChangesList()),
        replaceWith: nonEmpty(options.getReplaceWithList()),
        replacementTrigger: trigger === undefined ? undefined : fromWire(trigger.toJavaScript()),
        aliases: nonEmpty([...request.getAliasurnsList().map(urn => ({ urn })), ...options.getAliasesList().map(aliasOf)]),
        customTimeouts:
            timeouts === undefined
                ? undefined
                : nonEmptyObject({
                      create: nonEmpty(timeouts.getCreate()),
                      update: nonEmpty(timeouts.getUpdate()),
                      delete: nonEmpty(timeouts.getDelete()),
                      read: nonEmpty(timeouts.getRead()),
                  }),
        deletedWith: nonEmpty(options.getDeletedWith()),
        import: nonEmpty(options.getImport()),
        additionalSecretOutputs: nonEmpty(options.getAdditionalSecretOutputsList()),
        hideDiffs: nonEmpty(options.getHideDiffList()),
        version: nonEmpty(options.getVersion()),
        pluginDownloadURL: nonEmpty(options.getPluginDownloadUrl()),
        hooks: hooksOf(options.getHooks()),
        envVarMappings: nonEmptyObject(Object.fromEntries(request.getEnvvarmappingsMap().entries())),
        stateMigrations: request.getStateMigrationsList().length || undefined,
    });
}

/** A provider is referred to as `URN::ID`; its id is unknown in a preview. */
export function providerUrn(reference: string): string {
    return reference.slice(0, Math.max(0, reference.lastIndexOf("::")));
}

function hooksOf(binding: RegisterResourceRequest.ResourceHooksBinding | undefined): HookBindings | undefined {
    return binding === undefined
        ? undefined
        : nonEmptyObject({
              beforeCreate: nonEmpty(binding.getBeforeCreateList()),
              afterCreate: nonEmpty(binding.getAfterCreateList()),
              beforeUpdate: nonEmpty(binding.getBeforeUpdateList()),
              afterUpdate: nonEmpty(binding.getAfterUpdateList()),
              beforeDelete: nonEmpty(binding.getBeforeDeleteList()),
              afterDelete: nonEmpty(binding.getAfterDeleteList()),
              onError: nonEmpty(binding.getOnErrorList()),
          });
}

function aliasOf(alias: Alias): ResourceAlias {
    const spec = alias.getSpec();
    return alias.hasUrn() || spec === undefined
        ? { urn: alias.getUrn() }
        : given({
              name: nonEmpty(spec.getName()),
              type: nonEmpty(spec.getType()),
              stack: nonEmpty(spec.getStack()),
              project: nonEmpty(spec.getProject()),
              parent: nonEmpty(spec.getParenturn()),
          });
}

function nonEmpty<T extends { readonly length: number }>(value: T): T | undefined {
    return value.length === 0 ? undefined : value;
}

function nonEmptyObject<T extends object>(value: T): T | undefined {
    const present = given(value);
    return Object.keys(present).length === 0 ? undefined : present;
}

/** Without the members that are undefined, so that two registrations compare equal when they say the same. */
function given<T extends object>(value: T): T {
    return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== undefined)) as T;
}
