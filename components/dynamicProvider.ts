import * as pulumi from "@pulumi/pulumi";

/**
 * A resource whose provider is a module of this package, `kserve-torchserve/providers/NAME`, run by Pulumi's dynamic provider.
 *
 * It is what `pulumi.dynamic.Resource` registers, without that class: it would serialize the provider's closure and put our code into
 * the state, where it stays what it was. Here the state holds one line that finds the code of the installed version, so a fix of ours
 * reaches stacks that exist, and an upgrade of this package shows no difference.
 */
export class ProviderResource extends pulumi.CustomResource {
    constructor(type: string, provider: string, name: string, props: pulumi.Inputs, opts: pulumi.CustomResourceOptions) {
        super(`pulumi-nodejs:dynamic/kserve-torchserve:${type}`, name, { ...props, __provider: providerSource(provider) }, opts);
    }
}

/** The dynamic provider runs in the program's directory, from where the package is found as the program finds it. */
const providerSource = (provider: string) =>
    `exports.handler = () => require("node:module").createRequire(process.cwd() + "/")("kserve-torchserve/providers/${provider}").provider;`;
