import type { Properties } from "./property";
import type { RegisteredResource } from "./registeredResource";

export type Change =
    | "created"
    | "updated"
    | "unchanged"
    /** A dynamic resource: its provider is asked every time and alone knows whether anything changed. */
    | "asked";

/** What making a resource would do. */
export interface ResourcePlan {
    readonly change: Change;
    /** Known only when the resource exists or its id follows from its inputs. */
    readonly id?: string;
    /** What is known of it already; what is missing is unknown to the program in a preview. */
    readonly outputs: Properties;
}

/** A resource as it is. */
export interface MadeResource {
    readonly id: string;
    readonly outputs: Properties;
}

/** A resource that a program only looks up (`Bucket.get(…)`). */
export interface ReadResource {
    readonly urn: string;
    readonly type: string;
    readonly name: string;
    readonly id: string;
    readonly inputs: Properties;
    readonly provider?: string;
}

/** What stands behind one kind of resource. A mistake is thrown; its message is all that is shown. */
export interface ResourceHandler {
    /** Says what `apply` would do. Changes nothing. */
    plan(resource: RegisteredResource): Promise<ResourcePlan>;
    /** Makes it so; called again with the same resource it changes nothing. */
    apply(resource: RegisteredResource, plan: ResourcePlan): Promise<MadeResource>;
    read(resource: ReadResource): Promise<Properties>;
    invoke(token: string, args: Properties): Promise<Properties>;
}
