import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { both, removeService, setPercent, setVersion, setWorkers, TestSandbox } from "./sandbox";

const MINUTES = 60_000;

// Each test goes on from the one before: it is the life of one service on real control planes.
describe("the program on real control planes", () => {
    let sandbox: TestSandbox;
    let first: string;

    beforeAll(async () => {
        sandbox = await TestSandbox.start();
    }, 3 * MINUTES);
    afterAll(() => sandbox?.stop(), MINUTES);

    it(
        "takes the sample model from its files to a service that KServe reports ready",
        async () => {
            await sandbox.deploy();
            const service = await sandbox.service("digits");
            expect(service).toMatchObject({
                ready: true,
                revisions: ["digits-predictor-00001"],
                traffic: { "digits-predictor-00001": 100 },
            });
            expect(service.storageUri).toMatch(/^gs:\/\/sandbox-models-[0-9a-f]{6}\/digits\/[0-9a-f]{32}$/);
            first = service.digest ?? "";
            const names = (await sandbox.objects()).map(object => object.split(" ")[0]);
            expect(names.toSorted()).toEqual([
                `_complete/digits/${first}.json`,
                `digits/${first}/config/config.properties`,
                `digits/${first}/model-store/digits.mar`,
            ]);
        },
        3 * MINUTES,
    );

    it(
        "changes nothing in the cluster or the store when nothing has changed",
        async () => {
            const before = { versions: await sandbox.resourceVersions(), objects: await sandbox.objects() };
            const summary = await sandbox.deploy();
            expect(summary).toMatchObject({ created: 0, updated: 0, deleted: 0 });
            expect({ versions: await sandbox.resourceVersions(), objects: await sandbox.objects() }).toEqual(before);
        },
        2 * MINUTES,
    );

    it(
        "makes a new version and one new revision of other workers, with a fifth of the traffic",
        async () => {
            await sandbox.deploy(both(setWorkers(2), setPercent(20)));
            const service = await sandbox.service("digits");
            expect(service.digest).not.toBe(first);
            expect(service.revisions).toEqual(["digits-predictor-00001", "digits-predictor-00002"]);
            expect(service.traffic).toEqual({ "digits-predictor-00001": 80, "digits-predictor-00002": 20 });
        },
        2 * MINUTES,
    );

    it(
        "makes no revision of another percent",
        async () => {
            await sandbox.deploy(both(setWorkers(2), setPercent(50)));
            const service = await sandbox.service("digits");
            expect(service.revisions).toEqual(["digits-predictor-00001", "digits-predictor-00002"]);
            expect(service.traffic).toEqual({ "digits-predictor-00001": 50, "digits-predictor-00002": 50 });
        },
        2 * MINUTES,
    );

    it(
        "promotes without a revision when the canary is removed",
        async () => {
            await sandbox.deploy(setWorkers(2));
            expect((await sandbox.service("digits")).traffic).toEqual({ "digits-predictor-00002": 100 });
        },
        2 * MINUTES,
    );

    it("rolls a promoted revision back by its percent, and ends only when KServe has", async () => {
        await sandbox.deploy(both(setWorkers(2), setPercent(0)));
        const { traffic, revisions } = await sandbox.service("digits");
        expect(traffic["digits-predictor-00001"]).toBe(100);
        expect(revisions).toHaveLength(2);
        await sandbox.deploy(setWorkers(2));
        expect((await sandbox.service("digits")).traffic).toEqual({ "digits-predictor-00002": 100 });
    }, 120_000);

    it(
        "goes back to the first version by its digest, and uploads nothing",
        async () => {
            const objects = await sandbox.objects();
            await sandbox.deploy(setVersion(first));
            expect((await sandbox.service("digits")).storageUri).toMatch(new RegExp(`/digits/${first}$`));
            expect(await sandbox.objects()).toEqual(objects);
        },
        2 * MINUTES,
    );

    it(
        "refuses a version that is not complete before it touches anything",
        async () => {
            const before = await sandbox.resourceVersions();
            await expect(sandbox.deploy(setVersion("0".repeat(32)))).rejects.toThrow(
                /has no complete version 00000000000000000000000000000000/,
            );
            expect(await sandbox.resourceVersions()).toEqual(before);
        },
        2 * MINUTES,
    );

    it(
        "leaves nothing half-visible when the store fails at the second object, and finishes at the next run",
        async () => {
            const before = await sandbox.service("digits");
            await sandbox.failUploads(1, 1000);
            await expect(sandbox.deploy(setWorkers(3))).rejects.toThrow();
            expect(await sandbox.service("digits")).toEqual(before);
            const markers = (await sandbox.objects()).filter(name => name.startsWith("_complete/"));
            expect(markers).toHaveLength(2);

            await sandbox.failUploads(0, 0);
            await sandbox.deploy(setWorkers(3));
            const after = await sandbox.service("digits");
            expect(after.ready).toBe(true);
            expect(after.storageUri).not.toBe(before.storageUri);
        },
        4 * MINUTES,
    );

    it(
        "fails with KServe's own reason where a service cannot become ready, and asks again at the next run",
        async () => {
            const impossible = both(setWorkers(3), stackFile => {
                stackFile.setIn(["config", "kserve-torchserve:services", 0, "resources"], { cpu: "1000" });
                stackFile.setIn(["config", "kserve-torchserve:services", 0, "readyTimeoutSeconds"], 5);
            });
            for (const _run of [1, 2]) {
                await expect(sandbox.deploy(impossible)).rejects.toThrow(/digits does not serve what was declared.*Insufficient cpu/);
            }
        },
        3 * MINUTES,
    );

    it(
        "prunes a service that is no longer declared, and keeps its versions",
        async () => {
            const objects = await sandbox.objects();
            const summary = await sandbox.deploy(removeService);
            expect(summary.deleted).toBeGreaterThan(0);
            expect(await sandbox.services()).toEqual({});
            expect(await sandbox.objects()).toEqual(objects);
        },
        2 * MINUTES,
    );
});
