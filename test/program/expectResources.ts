import { expect } from "vitest";
import type { RecordedResource, Recording } from "./recordProgram";

/** Asserts that these, `type name` each, are all the resources there are: none missing, none more, none twice. */
export function expectResources(recording: Recording | readonly RecordedResource[], expected: readonly string[]): void {
    const resources = "resources" in recording ? recording.resources : recording;
    expect(resources.map(resource => `${resource.type} ${resource.name}`).sort()).toEqual([...expected].sort());
}

/** Asserts that every resource but the roots has a parent within the recording, so that none is left lying beside its component. */
export function expectParents(recording: Recording, roots: readonly string[]): void {
    const urns = new Set(recording.resources.map(resource => resource.urn));
    const orphans = recording.resources.filter(resource => resource.parent === undefined || !urns.has(resource.parent));
    expect(orphans.map(resource => `${resource.type} ${resource.name}`).sort()).toEqual([...roots].sort());
}
