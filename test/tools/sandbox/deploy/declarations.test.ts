import { describe, expect, it } from "vitest";
import { bucketFields, hasFields } from "../../../../tools/sandbox/deploy/bucketSettings";
import type { KubernetesObject } from "../../../../tools/sandbox/deploy/clusterApi";
import { declaredObject, foreignOwner, objectKey, objectOutputs, sameObject } from "../../../../tools/sandbox/deploy/kubernetesObject";
import { programMessage, Redactor } from "../../../../tools/sandbox/deploy/programMessage";
import { type Properties, Secret, unknown } from "../../../../tools/sandbox/deploy/property";
import type { RegisteredResource } from "../../../../tools/sandbox/deploy/registeredResource";
import { optionProblems } from "../../../../tools/sandbox/deploy/resourceOptions";
import { checkIdentity } from "../../../../tools/sandbox/deploy/stackIdentity";

const identity = { project: "p", stack: "dev" };

function resource(inputs: Properties, more: Partial<RegisteredResource> = {}): RegisteredResource {
    return {
        urn: "urn:pulumi:dev::p::kubernetes:core/v1:ConfigMap::settings",
        type: "kubernetes:core/v1:ConfigMap",
        name: "settings",
        custom: true,
        remote: false,
        inputs: { apiVersion: "v1", kind: "ConfigMap", ...inputs },
        dependencies: [],
        propertyDependencies: {},
        providers: {},
        options: {},
        ...more,
    };
}

describe("an object that a program declares", () => {
    it("bears the stack's labels beside its own, and what its removal means", () => {
        const declared = resource(
            { metadata: { name: "a", labels: { own: "x" } }, data: { key: new Secret("k") } },
            { options: { protect: true } },
        );
        expect(declaredObject(declared, identity, "space")).toMatchObject({
            namespace: "space",
            object: {
                data: { key: "k" },
                metadata: {
                    labels: { own: "x", "kserve-torchserve.dev/stack": "dev", "kserve-torchserve.dev/project": "p" },
                    annotations: { "kserve-torchserve.dev/on-removal": "refuse" },
                },
            },
        });
    });

    it("is not made up from what is not known yet", () => {
        expect(declaredObject(resource({ metadata: { name: "a" }, data: { key: unknown } }), identity, "space").object).toBeUndefined();
        expect(declaredObject(resource({ metadata: { name: unknown } }), identity, "space").name).toBeUndefined();
    });

    it("gets the same name each time when it is given none", () => {
        const name = declaredObject(resource({}), identity, "space").name;
        expect(name).toMatch(/^settings-[0-9a-f]{8}$/);
        expect(declaredObject(resource({ data: {} }), identity, "space").name).toBe(name);
    });

    it.each<{ type: string; metadata: Properties; says: string }>([
        { type: "kubernetes:helm.sh/v3:Release", metadata: {}, says: "it needs the Pulumi CLI" },
        { type: "kubernetes:core/v1:ConfigMapPatch", metadata: {}, says: "ConfigMapPatch" },
        { type: "kubernetes:core/v1:ConfigMap", metadata: { generateName: "a-" }, says: "generateName" },
        { type: "kubernetes:core/v1:Pod", metadata: { name: "a", annotations: { "pulumi.com/waitFor": "x" } }, says: "pulumi.com/waitFor" },
    ])("is refused by name: $says", ({ type, metadata, says }) => {
        expect(() => declaredObject(resource({ metadata }, { type }), identity, "space")).toThrow(says);
    });

    const live: KubernetesObject = {
        apiVersion: "v1",
        kind: "Secret",
        metadata: {
            name: "a",
            namespace: "b",
            resourceVersion: "7",
            labels: { "kserve-torchserve.dev/stack": "dev", "kserve-torchserve.dev/project": "p" },
            managedFields: [{ manager: "x" }],
        },
        data: { key: "aw==" },
        status: { phase: "x" },
    };

    it("is the same object whatever a write and its controllers touch, and another with any other difference", () => {
        const written = { ...live, metadata: { ...live.metadata, resourceVersion: "8", managedFields: [] }, status: {} };
        expect(sameObject(live, written)).toBe(true);
        expect(sameObject(live, { ...written, data: {} })).toBe(false);
        expect(sameObject(live, { ...written, metadata: { ...written.metadata, labels: {} } })).toBe(false);
    });

    it("shows what the server has, with a Secret's data marked", () => {
        const outputs = objectOutputs({}, live);
        expect(outputs.data).toEqual(new Secret({ key: "aw==" }));
        expect(outputs.metadata).not.toHaveProperty("managedFields");
    });

    it("belongs to the stack whose labels it bears", () => {
        expect(foreignOwner(live, identity)).toBeUndefined();
        expect(foreignOwner(live, { project: "p", stack: "prod" })).toBe("the stack dev of the project p");
        expect(foreignOwner(live, { project: "q", stack: "dev" })).toBe("the stack dev of the project p");
        expect(foreignOwner({ ...live, metadata: { name: "a" } }, identity)).toBe("no stack");
    });

    it("is the same one in every version of its group", () => {
        expect(objectKey({ apiVersion: "apps/v1", kind: "X" }, "n", "a")).toBe(objectKey({ apiVersion: "apps/v2", kind: "X" }, "n", "a"));
        expect(objectKey({ apiVersion: "v1", kind: "X" }, "n", "a")).not.toBe(objectKey({ apiVersion: "apps/v1", kind: "X" }, "n", "a"));
    });
});

describe("a bucket that a program declares", () => {
    it("is written in the fields of Cloud Storage", () => {
        expect(
            bucketFields({
                name: "b",
                location: "eu",
                uniformBucketLevelAccess: true,
                publicAccessPrevention: "enforced",
                lifecycleRules: [{ action: { type: "Delete" }, condition: { withState: "ARCHIVED", matchesPrefixes: ["x/"] } }],
            }),
        ).toEqual({
            location: "EU",
            iamConfiguration: { uniformBucketLevelAccess: { enabled: true }, publicAccessPrevention: "enforced" },
            lifecycle: { rule: [{ action: { type: "Delete" }, condition: { isLive: false, matchesPrefix: ["x/"] } }] },
        });
    });

    it("is as declared when it has all of it and whatever else", () => {
        const declared = { softDeletePolicy: { retentionDurationSeconds: 604800 }, lifecycle: { rule: [{ condition: { age: 1 } }] } };
        expect(
            hasFields({ ...declared, softDeletePolicy: { retentionDurationSeconds: "604800", effectiveTime: "x" }, id: "b" }, declared),
        ).toBe(true);
        expect(hasFields({ ...declared, lifecycle: { rule: [] } }, declared)).toBe(false);
        expect(hasFields(undefined, declared)).toBe(false);
    });

    it.each<Properties>([{ website: {} }, { lifecycleRules: [{ action: {}, condition: { sendAgeIfZero: true } }] }])(
        "names what it cannot set: %o",
        inputs => {
            expect(() => bucketFields(inputs)).toThrow(/the sandbox cannot set/);
        },
    );
});

describe("what cannot be honoured", () => {
    it.each([
        { option: "ignoreChanges", more: { options: { ignoreChanges: ["data"] } } },
        { option: "import", more: { options: { import: "x" } } },
        { option: "afterDelete", more: { options: { hooks: { afterDelete: ["h"] } } } },
        { option: "a hook on a component", more: { custom: false, options: { hooks: { afterCreate: ["h"] } } } },
        { option: "an alias on a random value", more: { type: "random:index/randomId:RandomId", options: { aliases: [{ urn: "u" }] } } },
    ])("is named: $option", ({ option, more }) => {
        expect(optionProblems(resource({}, more))).toEqual([expect.stringContaining(option)]);
    });

    it("is nothing of what has no meaning without a past", () => {
        const options = { protect: true, replaceOnChanges: ["x"], deleteBeforeReplace: true, version: "1", aliases: [{ urn: "u" }] };
        expect(optionProblems(resource({}, { options }))).toEqual([]);
    });

    it("is a stack's name that can be no label", () => {
        expect(() => checkIdentity({ project: "p", stack: "Dev" })).toThrow("name of the stack");
        expect(() => checkIdentity(identity)).not.toThrow();
    });
});

describe("what is shown of another program's words", () => {
    it.each([
        [
            "Running program '/x' failed with an unhandled exception:\nError: bad\n    at f (/x/y.js:1:2)\n    at g (node:internal:3:4)",
            "bad",
        ],
        ["<ref *1> [TypeError: a[0] is not b] {\n  promise: Promise { <rejected> [Circular *1] }\n}", "a[0] is not b"],
        ["\u001b[31m[Error: services[0]: bad\nservices[1]: worse]\u001b[39m", "services[0]: bad\nservices[1]: worse"],
        ["services[0].name: 7 is not a name; give one", "services[0].name: 7 is not a name; give one"],
    ])("is the message: %j", (logged, shown) => expect(programMessage(logged)).toBe(shown));

    it("holds no secret, as it is or in base64", () => {
        const redactor = new Redactor();
        redactor.add(["hunter2", "hunter22", "ab"]);
        expect(redactor.clean("hunter22 hunter2 aHVudGVyMg== ab")).toBe("[secret] [secret] [secret] ab");
    });
});
