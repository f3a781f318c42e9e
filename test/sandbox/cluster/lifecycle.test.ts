import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BINARIES } from "../../../tools/sandbox/cluster/binaries";
import { downCluster, logsOf, type RunningCluster, upCluster } from "../../../tools/sandbox/cluster/cluster";
import { missingServers, TestCluster } from "./testCluster";

const names = BINARIES.map(({ name }) => name);
/** In hexadecimal, as the kernel writes it: 127.0.0.1. */
const LOOPBACK = /^0100007F:/;

describe.skipIf(missingServers !== "")(`a cluster's life (not built: ${missingServers || "nothing"})`, { timeout: 180_000 }, () => {
    const test = new TestCluster();
    let cluster: RunningCluster;

    beforeAll(async () => {
        cluster = await test.up();
    }, 180_000);

    afterAll(() => test.remove(), 60_000);

    it("has every server running, and none of them listening to anything but the loopback address", () => {
        expect(Object.keys(test.processes()).sort()).toEqual([...names].sort());
        const listening = test.listening();
        expect(listening.length).toBeGreaterThanOrEqual(names.length - 4);
        expect(listening.filter(address => !LOOPBACK.test(address))).toEqual([]);
    });

    it("is not changed by a second start", async () => {
        const before = { processes: test.processes(), versions: await versions() };
        expect(await test.up()).toEqual(cluster);
        expect({ processes: test.processes(), versions: await versions() }).toEqual(before);
    });

    it.each(names)("is whole again after %s was killed, with all else as it was", async name => {
        const before = test.processes();
        await test.kill(name);
        expect(await test.up()).toEqual(cluster);
        const after = test.processes();
        expect(after[name]).not.toBe(before[name]);
        expect(Object.keys(after).sort()).toEqual([...names].sort());
        await expect(admissionRefuses()).resolves.toBe(true);
    });

    it("is whole again after all of it was killed at once", async () => {
        await Promise.all(names.map(name => test.kill(name)));
        expect(test.processes()).toEqual({});
        expect(await test.up()).toEqual(cluster);
        await expect(admissionRefuses()).resolves.toBe(true);
    });

    it("is started by one of two that start it at once", async () => {
        await downCluster({ stateDir: test.stateDir });
        const [first, second] = await Promise.all([test.up(), test.up()]);
        expect(first).toEqual(second);
        expect(Object.keys(test.processes()).sort()).toEqual([...names].sort());
    });

    it("goes on from a start that was given up", async () => {
        await downCluster({ stateDir: test.stateDir });
        const given = new AbortController();
        await expect(
            upCluster({ stateDir: test.stateDir, signal: given.signal, onPhase: () => given.abort(new Error("given up")) }),
        ).rejects.toThrow("given up");
        expect(await test.up()).toEqual(cluster);
    });

    it("takes another port where one was taken while it was down, and works with it", async () => {
        await downCluster({ stateDir: test.stateDir });
        const stranger = createServer();
        const port = Number(new URL(cluster.apiServer).port);
        await new Promise<void>(resolve => stranger.listen({ port, host: "127.0.0.1" }, resolve));
        try {
            const moved = await test.up();
            expect(moved.apiServer).not.toBe(cluster.apiServer);
            expect({ ...moved, apiServer: cluster.apiServer }).toEqual(cluster);
            cluster = moved;
            await expect(admissionRefuses()).resolves.toBe(true);
        } finally {
            await new Promise(resolve => stranger.close(resolve));
        }
    });

    it("names the server that does not start, and shows the end of its log", async () => {
        await downCluster({ stateDir: test.stateDir });
        const key = join(test.stateDir, "certificates", "service-account.pub");
        const whole = readFileSync(key, "utf8");
        writeFileSync(key, "not a key");
        try {
            await expect(test.up()).rejects.toThrow(
                /kube-apiserver ended at its start; the end of its log .*kube-apiserver\.log:\n(.|\n)*key/,
            );
        } finally {
            writeFileSync(key, whole);
        }
        cluster = await test.up();
    });

    it("keeps each server's log, and refuses to show one that it does not have", () => {
        expect(logsOf({ stateDir: test.stateDir, server: "kube-apiserver" })).not.toBe("");
        expect(() => logsOf({ stateDir: test.stateDir, server: "nginx" })).toThrow('"nginx" is not one of');
    });

    it("leaves nothing running when it is down", async () => {
        await downCluster({ stateDir: test.stateDir });
        expect(test.processes()).toEqual({});
        expect(existsSync(test.stateDir)).toBe(true);
    });

    /** What the API server has last written of the parts that a start installs. */
    function versions(): Promise<unknown[]> {
        return test.ask(cluster, api =>
            Promise.all(
                [
                    "/api/v1/namespaces/knative-serving/configmaps/config-network",
                    "/api/v1/namespaces/kserve/configmaps/inferenceservice-config",
                    "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/inferenceservices.serving.kserve.io",
                    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/inferenceservice.serving.kserve.io",
                    "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/webhook.serving.knative.dev",
                ].map(path => api.get(path)),
            ),
        );
    }

    /** Whether KServe itself is asked: no schema knows that the minimum must not be above the maximum. */
    async function admissionRefuses(): Promise<boolean> {
        const answer = await test.create(cluster, {
            apiVersion: "serving.kserve.io/v1beta1",
            kind: "InferenceService",
            metadata: { name: "refused", namespace: "default" },
            spec: { predictor: { minReplicas: 3, maxReplicas: 1, model: { modelFormat: { name: "pytorch" }, storageUri: "gs://a/b" } } },
        });
        return JSON.stringify(answer.body).includes("'MinReplicas' cannot be greater than MaxReplicas");
    }
});
