import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { markerPath, storageUriOf, storageUriProblems, versionDigest, versionProblems } from "../../../components/storage/storeVersion";

const file = fc.record({ path: fc.stringMatching(/^[a-z]{1,8}$/), size: fc.nat(), digest: fc.stringMatching(/^[0-9a-f]{4}$/) });
const files = fc.uniqueArray(file, { minLength: 1, maxLength: 6, selector: f => f.path });

describe("a version of a model store", () => {
    it("is named by its content, in whatever order it is listed", () => {
        fc.assert(fc.property(files, files => versionDigest(files) === versionDigest(files.toReversed())));
    });

    it("has another name when any file has another path, size or content", () => {
        fc.assert(
            fc.property(files, fc.constantFrom("path", "size", "digest"), (files, key) => {
                const [first, ...rest] = files;
                const changed = {
                    path: "",
                    size: 0,
                    digest: "",
                    ...first,
                    [key]: key === "size" ? (first?.size ?? 0) + 1 : `${first?.[key]}x`,
                };
                expect(versionDigest([changed, ...rest])).not.toBe(versionDigest(files));
            }),
        );
    });

    it("has a name that is accepted as a version, and keeps its marker outside what KServe downloads", () => {
        const digest = versionDigest([{ path: "config/config.properties", size: 1, digest: "00" }]);
        expect(versionProblems(digest, "version")).toEqual([]);
        expect(storageUriOf("models", "digits", digest)).toBe(`gs://models/digits/${digest}`);
        expect(markerPath("digits", digest).startsWith("digits/")).toBe(false);
    });

    it.each(["", "latest", "0123", "G".repeat(32)])("%j is not a version", version => {
        expect(versionProblems(version, "version")).toHaveLength(1);
    });

    it.each(["gs://bucket", "gs://bucket/models/digits", "pvc://claim/digits"])("%s is a store made by other means", uri => {
        expect(storageUriProblems(uri, "uri")).toEqual([]);
    });

    it.each(["bucket/models", "s3://bucket/models", "gs://", "gs:///models", "gs://bucket/a b"])("%j is not a store", uri => {
        expect(storageUriProblems(uri, "uri")).toHaveLength(1);
    });
});
