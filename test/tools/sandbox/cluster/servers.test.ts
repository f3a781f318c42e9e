import { describe, expect, it } from "vitest";
import { BINARIES } from "../../../../tools/sandbox/cluster/binaries";
import type { Programs } from "../../../../tools/sandbox/cluster/builtServers";
import { renderKubeconfig } from "../../../../tools/sandbox/cluster/kubeconfig";
import type { Ports } from "../../../../tools/sandbox/cluster/ports";
import { controllerServers, storageServers } from "../../../../tools/sandbox/cluster/servers";
import { stateFolder } from "../../../../tools/sandbox/cluster/stateFolder";

const folder = stateFolder("/state");
const programs = Object.fromEntries(BINARIES.map(({ name }) => [name, `/programs/${name}`])) as Programs;
const ports: Ports = {
    etcd: 20_001,
    etcdPeer: 20_002,
    apiServer: 20_003,
    objectStore: 20_004,
    ingress: 20_005,
    ingressMetrics: 20_006,
    knativeWebhook: 20_007,
    knativeWebhookMetrics: 20_008,
    knativeControllerMetrics: 20_009,
    autoscalerStatistics: 20_010,
    autoscalerMetrics: 20_011,
    kserveWebhook: 20_012,
    kserveProbe: 20_013,
};
const storage = storageServers(folder, ports, programs);
const controllers = controllerServers(folder, ports, programs, "kubeconfig");
const all = Object.values({ ...storage, ...controllers });

describe("the servers of a cluster", () => {
    it("are all that is built, each once", () => {
        expect(all.map(server => server.name).sort()).toEqual(BINARIES.map(({ name }) => name).sort());
    });

    it("share no port, and every port belongs to one", () => {
        expect(all.flatMap(server => server.ports).sort()).toEqual(Object.keys(ports).sort());
    });

    it("keep all that they write in the state folder", () => {
        const paths = all.flatMap(server => [
            server.log,
            ...server.arguments.filter(each => /=\//.test(each)).map(each => each.split("=")[1]),
        ]);
        expect(paths.filter(path => !path?.startsWith("/state/"))).toEqual([]);
    });

    it("are started anew when what they are started with differs", () => {
        const moved = { ...ports, kserveWebhook: 1 };
        expect(controllerServers(folder, moved, programs, "kubeconfig").kserve.digest).not.toBe(controllers.kserve.digest);
        expect(controllerServers(folder, moved, programs, "kubeconfig").kwok.digest).toBe(controllers.kwok.digest);
        const rebuilt = { ...programs, kwok: "/programs/kwok-2" };
        expect(controllerServers(folder, ports, rebuilt, "kubeconfig").kwok.digest).not.toBe(controllers.kwok.digest);
    });

    it("are started anew when the API server is elsewhere, if they read where it is", () => {
        const elsewhere = controllerServers(folder, ports, programs, renderKubeconfig("https://127.0.0.1:1", "token", "authority"));
        for (const name of ["scheduler", "kwok", "kserve", "knativeController", "ingress"] as const) {
            expect(elsewhere[name].digest).not.toBe(controllers[name].digest);
        }
    });
});
