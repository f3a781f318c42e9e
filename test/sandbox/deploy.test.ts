import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { buildFolder, missingParts } from "../../tools/sandbox/cluster/builtServers";
import { resetCluster, upCluster } from "../../tools/sandbox/cluster/cluster";
import { ClusterApi } from "../../tools/sandbox/deploy/clusterApi";
import {
    type DeployEvent,
    DeploymentFailed,
    type DeployOptions,
    deployProgram,
    destroyProgram,
    planProgram,
    shownOutputs,
} from "../../tools/sandbox/deploy/deploy";
import { ObjectStore } from "../../tools/sandbox/deploy/objectStore";
import type { SandboxServers } from "../../tools/sandbox/deploy/providers";

/** A cluster that runs already, as JSON, for those who work on this file; else one is started and removed again. */
const running: SandboxServers | undefined = process.env.SANDBOX_SERVERS ? JSON.parse(process.env.SANDBOX_SERVERS) : undefined;
const projectDir = join(__dirname, "fixtureProgram");
const identity = { project: "fixture", stack: "test" };

describe.skipIf(running === undefined && missingParts(buildFolder()).length > 0)(
    "a program deployed without the Pulumi CLI",
    { timeout: 120_000 },
    () => {
        const folder = mkdtempSync(join(tmpdir(), "deploy-"));
        const stateDir = join(folder, "state");
        const ledgerFile = join(folder, "ledger");
        let cluster: SandboxServers;
        let api: ClusterApi;
        let store: ObjectStore;
        let events: DeployEvent[] = [];

        const options = (config: Record<string, unknown> = {}, stack = identity.stack): DeployOptions => {
            const configFile = join(folder, `Pulumi.${stack}.yaml`);
            writeFileSync(
                configFile,
                stringify({ config: { "fixture:ledger": ledgerFile, "fixture:context": cluster.context, ...config } }),
            );
            return { projectDir, stack, configFile, target: cluster, onEvent: event => events.push(event) };
        };
        const deploy = (...parts: string[]) => deployProgram(options({ "fixture:parts": parts }));
        const failure = async (run: Promise<unknown>) => {
            const error = await run.then(
                () => undefined,
                (reason: unknown) => reason,
            );
            expect(error).toBeInstanceOf(DeploymentFailed);
            return error instanceof DeploymentFailed ? error : new DeploymentFailed("plan", []);
        };
        const ledger = () => readFileSync(ledgerFile, "utf8").split("\n").filter(Boolean);
        const object = async (kind: string, name: string, namespace?: string) => {
            const served = await api.kind("v1", kind);
            return served && api.get(served, namespace, name);
        };
        /** Version of everything the stack has, in the cluster and in the object store. */
        const versions = async () => {
            const names = [
                ["Namespace", "fixture"],
                ["ConfigMap", "greeting"],
                ["ConfigMap", "extra"],
                ["Secret", "password"],
            ] as const;
            const objects = await Promise.all(
                names.map(([kind, name]) => object(kind, name, kind === "Namespace" ? undefined : "fixture")),
            );
            const buckets = await store.buckets();
            const bucket = buckets[0] && (await store.get(buckets[0].name));
            return { objects: objects.map(found => found?.metadata.resourceVersion), bucket: bucket?.metageneration, etag: bucket?.etag };
        };

        beforeAll(async () => {
            cluster = running ?? (await upCluster({ stateDir }));
            api = await ClusterApi.connect(cluster.kubeconfig, cluster.context);
            store = new ObjectStore(cluster.objectStore, identity);
            await destroyProgram(options());
        }, 180_000);
        beforeEach(() => {
            events = [];
            writeFileSync(ledgerFile, "");
        });
        afterAll(async () => {
            if (running === undefined) {
                await resetCluster({ stateDir });
            }
            rmSync(folder, { recursive: true });
        }, 60_000);

        it("plans without making anything", async () => {
            const plan = await planProgram(options());
            expect(plan.changes.created).toContain("kubernetes:core/v1:Namespace space");
            expect(plan.resources.map(({ resource }) => resource.type)).toContain("fixture:index:Greeting");
            expect(await object("Namespace", "fixture")).toBeUndefined();
            expect(await store.buckets()).toEqual([]);
            expect(ledger()).toEqual([]);
        });

        it("makes all of it, through transforms and hooks", async () => {
            const { changes, outputs } = await deploy();
            expect([...changes.created].sort()).toEqual([
                "gcp:storage/bucket:Bucket models",
                "gcp:storage/bucketIAMMember:BucketIAMMember reader",
                "kubernetes:core/v1:ConfigMap extra",
                "kubernetes:core/v1:ConfigMap greeting",
                "kubernetes:core/v1:Namespace space",
                "kubernetes:core/v1:Secret password",
            ]);
            expect(changes.asked).toEqual(["pulumi-nodejs:dynamic/fixture:Note note"]);
            expect(changes.deleted).toEqual([]);
            const greeting = await object("ConfigMap", "greeting", "fixture");
            expect(greeting).toMatchObject({
                data: { text: "hello", loud: "yes" },
                metadata: { labels: { "kserve-torchserve.dev/stack": "test" } },
            });
            expect(ledger()).toEqual(["made greeting fixture/greeting", "asked"]);
            expect(shownOutputs(outputs)).toEqual({
                bucket: expect.stringMatching(/^gs:\/\/fixture-[0-9a-f]{6}$/),
                note: "hello!",
                suffix: expect.stringMatching(/^[0-9a-f]{6}$/),
                password: "[secret]",
                uid: greeting?.metadata.uid,
            });
            const [bucket] = await store.buckets();
            expect(await store.get(bucket?.name ?? "")).toMatchObject({
                location: "EU",
                versioning: { enabled: true },
                lifecycle: { rule: [{ action: { type: "Delete" }, condition: { daysSinceNoncurrentTime: 7 } }] },
            });
            expect((await store.bindings(bucket?.name ?? "")).get("roles/storage.objectViewer")).toEqual(
                new Set(["serviceAccount:reader@sandbox.iam.gserviceaccount.com"]),
            );
            expect(JSON.stringify(events)).not.toContain("correct-horse");
        });

        it("changes nothing the second time", async () => {
            const before = await versions();
            const { changes } = await deploy();
            expect(changes).toMatchObject({ created: [], updated: [], deleted: [] });
            expect(await versions()).toEqual(before);
            expect(ledger()).toEqual(["asked"]);
        });

        it("applies a change and only that", async () => {
            const { changes, outputs } = await deployProgram(options({ "fixture:greeting": "good morning" }));
            expect(changes).toMatchObject({ created: [], updated: ["kubernetes:core/v1:ConfigMap greeting"], deleted: [] });
            expect(outputs.note).toBe("good morning!");
            expect(ledger()).toEqual(["made greeting fixture/greeting", "asked"]);
        });

        it("removes what is no longer in the program", async () => {
            const { changes } = await deploy("no bucket", "no extra");
            expect(changes.deleted).toEqual(["ConfigMap fixture/extra", expect.stringMatching(/^Bucket fixture-/)]);
            expect(await object("ConfigMap", "extra", "fixture")).toBeUndefined();
            expect(await store.buckets()).toEqual([]);
        });

        it("keeps what is protected, and says so before it changes anything", async () => {
            await deploy("protect");
            const before = await versions();
            const { phase, problems } = await failure(deploy("no extra"));
            expect({ phase, problems }).toEqual({
                phase: "plan",
                problems: [expect.stringMatching(/^ConfigMap fixture\/extra is protected and no longer in the program/)],
            });
            expect(await versions()).toEqual(before);
            await deploy();
        });

        it("fails with a dynamic resource, cleanly and without its secrets, and asks again next time", async () => {
            const { phase, problems } = await failure(deploy("failing note"));
            expect({ phase, problems }).toEqual({
                phase: "apply",
                problems: ["pulumi-nodejs:dynamic/fixture:Note note: the note was not taken by [secret]"],
            });
            await deploy();
            expect(ledger()).toEqual(["asked", "asked"]);
        });

        it.each([
            { part: "wrong note", problem: "pulumi-nodejs:dynamic/fixture:Note note: text: is not a text" },
            { part: "throw", problem: "services[0].name: 7 is not a name; give it one" },
            { part: "cloud", problem: "the program wanted to talk to storage.googleapis.com; no connection leaves the sandbox" },
        ])("refuses in the plan: $part", async ({ part, problem }) => {
            const before = await versions();
            const { phase, problems } = await failure(deploy(part));
            expect({ phase, problems }).toEqual({ phase: "plan", problems: [problem] });
            expect(await versions()).toEqual(before);
        });

        it("names every type and option it cannot honour", async () => {
            const { problems } = await failure(deploy("unsupported"));
            expect([...problems].sort()).toEqual([
                expect.stringMatching(/^aws:s3\/bucket:Bucket elsewhere: the sandbox cannot make aws:s3\/bucket:Bucket/),
                expect.stringMatching(/^kubernetes:core\/v1:ConfigMap ignoring: the option ignoreChanges cannot be honoured/),
            ]);
        });

        it("does not take what belongs to another stack, nor deploy to another cluster", async () => {
            const other = await failure(deployProgram(options({ "fixture:parts": ["no bucket"] }, "other")));
            expect(other.problems).toContain(
                "kubernetes:core/v1:Namespace space: Namespace fixture exists and belongs to the stack test of the project fixture; give it another name or look it up with get",
            );
            const elsewhere = await failure(deployProgram(options({ "fixture:context": "production" })));
            expect(elsewhere.problems[0]).toContain("this provider names another cluster (production)");
        });

        it("goes on where a run was stopped", async () => {
            const stop = new AbortController();
            const stopped = deployProgram({
                ...options({ "fixture:greeting": "stopped", "fixture:parts": ["no bucket"] }),
                signal: stop.signal,
                onEvent: event => event.kind === "resource" && event.phase === "apply" && stop.abort(),
            });
            await expect(stopped).rejects.toThrow();
            const { changes } = await deploy();
            expect([...changes.created, ...changes.updated].every(name => /greeting|models|reader/.test(name))).toBe(true);
            expect((await deploy()).changes).toMatchObject({ created: [], updated: [], deleted: [] });
        });

        it("destroys all of it, the namespace last", async () => {
            const { deleted } = await destroyProgram(options());
            expect(deleted).toHaveLength(5);
            expect(deleted.filter(what => !what.startsWith("Bucket")).at(-1)).toBe("Namespace fixture");
            expect(await object("Namespace", "fixture")).toBeUndefined();
            expect(await store.buckets()).toEqual([]);
        });
    },
);
