import { refuse } from "../../../components/problems";

/** Which stack something belongs to. Written on everything a deployment makes, because nothing else remembers it. */
export interface StackIdentity {
    readonly project: string;
    readonly stack: string;
}

/** Constant for the life of an object: a changed label on an InferenceService would be a new revision. */
export const stackLabel = "kserve-torchserve.dev/stack";
export const projectLabel = "kserve-torchserve.dev/project";
/** What removing the resource from the program means; only there when the program sets `protect` or `retainOnDelete`. */
export const onRemovalKey = "kserve-torchserve.dev/on-removal";

export type OnRemoval = "refuse" | "keep";

export function objectLabels(identity: StackIdentity): Record<string, string> {
    return { [stackLabel]: identity.stack, [projectLabel]: identity.project };
}

/** Cloud Storage's label keys have no dots and slashes. Source: https://cloud.google.com/storage/docs/tags-and-labels#bucket-labels */
export function bucketLabelKey(label: string): string {
    return label.replaceAll(/[./]/g, "-");
}

export function bucketLabels(identity: StackIdentity): Record<string, string> {
    return Object.fromEntries(Object.entries(objectLabels(identity)).map(([key, value]) => [bucketLabelKey(key), value]));
}

/** The name under which the API server remembers which fields are this stack's. */
export function fieldManager(identity: StackIdentity): string {
    return `kst-${identity.project}-${identity.stack}`;
}

/** Names must do as values of labels in Kubernetes and in Cloud Storage, which allows less: no capitals, no dots. */
export function checkIdentity(identity: StackIdentity): void {
    refuse(
        (["project", "stack"] as const)
            .filter(part => !/^[a-z0-9]([-_a-z0-9]{0,48}[a-z0-9])?$/.test(identity[part]))
            .map(part => ({
                path: `name of the ${part}`,
                found: identity[part],
                allowed: "at most 50 small letters, digits, dashes and underscores, beginning and ending with a letter or digit",
                remedy: "give it such a name, since the sandbox marks what it makes with it",
            })),
    );
}
