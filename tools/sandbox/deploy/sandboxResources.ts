import type { DynamicResources } from "./dynamic";
import type { GoogleCloudResources } from "./googleCloud";
import type { KubernetesObjects } from "./kubernetes";
import type { Properties } from "./property";
import type { Providers } from "./providers";
import { randomHandler } from "./random";
import type { RegisteredResource } from "./registeredResource";
import type { MadeResource, ReadResource, ResourceHandler, ResourcePlan } from "./resourceHandler";
import { optionProblems } from "./resourceOptions";

interface Parts {
    readonly providers: Providers;
    readonly kubernetes: KubernetesObjects;
    readonly googleCloud: GoogleCloudResources;
    readonly dynamic: DynamicResources;
}

/** Every resource the sandbox can make, by its type; any other is refused by name. */
export class SandboxResources implements ResourceHandler {
    constructor(private readonly parts: Parts) {}

    async plan(resource: RegisteredResource): Promise<ResourcePlan> {
        const problems = optionProblems(resource);
        if (problems.length > 0) {
            throw new Error(problems.join("; "));
        }
        if (resource.remote) {
            throw new Error(`the sandbox cannot make ${resource.type}, a component of another process; it needs the Pulumi CLI`);
        }
        if (resource.type.startsWith("pulumi:providers:")) {
            this.parts.providers.add(resource);
        }
        return this.handler(resource).plan(resource);
    }

    apply(resource: RegisteredResource, plan: ResourcePlan): Promise<MadeResource> {
        return this.handler(resource).apply(resource, plan);
    }

    async read(resource: ReadResource): Promise<Properties> {
        if (resource.type.startsWith("kubernetes:")) {
            return this.parts.kubernetes.read(resource);
        }
        throw new Error(`the sandbox cannot look up ${resource.type}; give its values in the stack file, or use the Pulumi CLI`);
    }

    async invoke(token: string): Promise<Properties> {
        throw new Error(`the sandbox cannot call ${token}; give its result in the stack file, or use the Pulumi CLI`);
    }

    private handler({ type, custom }: RegisteredResource): Pick<ResourceHandler, "plan" | "apply"> {
        if (!custom) {
            return bookkeeping;
        }
        if (type.startsWith("pulumi:providers:")) {
            return provider;
        }
        if (type.startsWith("kubernetes:")) {
            return this.parts.kubernetes;
        }
        if (type.startsWith("gcp:")) {
            return this.parts.googleCloud;
        }
        if (type.startsWith("random:")) {
            return randomHandler;
        }
        if (type.startsWith("pulumi-nodejs:dynamic")) {
            return this.parts.dynamic;
        }
        throw new Error(`the sandbox cannot make ${type}; leave it out of the sandbox's stack, or use the Pulumi CLI`);
    }
}

/** Components and the stack are nothing in the world. */
const bookkeeping: Pick<ResourceHandler, "plan" | "apply"> = {
    plan: async resource => ({ change: "unchanged", outputs: resource.inputs }),
    apply: async resource => ({ id: "", outputs: resource.inputs }),
};

/** A provider's id is only ever passed on with its URN. */
const provider: Pick<ResourceHandler, "plan" | "apply"> = {
    plan: bookkeeping.plan,
    apply: async resource => ({ id: resource.name, outputs: resource.inputs }),
};
