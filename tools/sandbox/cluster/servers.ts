import { createHash } from "node:crypto";
import { join } from "node:path";
import type { BinaryName } from "./binaries";
import type { Programs } from "./builtServers";
import type { PortName, Ports } from "./ports";
import type { Command } from "./processes";
import { logFile, type StateFolder } from "./stateFolder";

/** A server of the cluster: what it is started with and how to see that it answers. */
export interface Server extends Command {
    readonly name: BinaryName;
    /** The ports that it listens on. */
    readonly ports: readonly PortName[];
    /** Answers with 200 once the server works; a server without one is trusted as long as it runs. */
    readonly probe?: string;
    readonly digest: string;
}

/** No address of these is ever spoken to: pods are simulated. RFC 6598 and RFC 5737 keep them free of real hosts. */
const POD_RANGE = "100.64.0.0/16";
const SERVICE_RANGE = "100.65.0.0/16";
const NODE_ADDRESS = "192.0.2.2";

/** Controllers without a part in serving models, left off for their share of memory and start-up time. */
const UNUSED_CONTROLLERS = [
    "bootstrap-signer-controller",
    "token-cleaner-controller",
    "node-ipam-controller",
    "cloud-node-lifecycle-controller",
    "service-lb-controller",
    "node-route-controller",
    "persistentvolume-attach-detach-controller",
];

/** The servers that keep the state. They need nothing but their folder. */
export interface StorageServers {
    readonly objectStore: Server;
    readonly etcd: Server;
    readonly apiServer: Server;
}

/** The servers that act on the state. They find the API server through the kubeconfig. */
export interface ControllerServers {
    readonly controllerManager: Server;
    readonly scheduler: Server;
    readonly kwok: Server;
    readonly knativeWebhook: Server;
    readonly knativeController: Server;
    readonly knativeAutoscaler: Server;
    readonly ingress: Server;
    readonly kserve: Server;
}

export function storageServers(folder: StateFolder, ports: Ports, programs: Programs): StorageServers {
    const address = (name: PortName) => `127.0.0.1:${ports[name]}`;
    const url = (name: PortName) => `http://${address(name)}`;
    const server = serverMaker(folder, programs, "");
    return {
        objectStore: server("objectstore", ["objectStore"], {
            arguments: [`-listen-address=${address("objectStore")}`, `-folder=${folder.objects}`],
            probe: `${url("objectStore")}/_sandbox/ready`,
        }),
        etcd: server("etcd", ["etcd", "etcdPeer"], {
            arguments: [
                `--data-dir=${folder.etcd}`,
                `--listen-client-urls=${url("etcd")}`,
                `--advertise-client-urls=${url("etcd")}`,
                `--listen-peer-urls=${url("etcdPeer")}`,
                `--initial-advertise-peer-urls=${url("etcdPeer")}`,
                `--initial-cluster=default=${url("etcdPeer")}`,
                // A killed process loses nothing without it, only a machine that loses power does; it costs seconds on slow disks.
                "--unsafe-no-fsync",
            ],
            probe: `${url("etcd")}/readyz`,
        }),
        apiServer: server("kube-apiserver", ["apiServer"], {
            arguments: [
                `--etcd-servers=${url("etcd")}`,
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                // The Service `kubernetes` cannot point at the loopback address, and no pod is there to call it.
                "--endpoint-reconciler-type=none",
                `--secure-port=${ports.apiServer}`,
                `--cert-dir=${folder.certificates}`,
                `--service-account-key-file=${join(folder.certificates, "service-account.pub")}`,
                `--service-account-signing-key-file=${join(folder.certificates, "service-account.key")}`,
                "--service-account-issuer=https://kubernetes.default.svc",
                `--token-auth-file=${join(folder.certificates, "tokens.csv")}`,
                "--authorization-mode=RBAC",
                `--service-cluster-ip-range=${SERVICE_RANGE}`,
                "--allow-privileged=true",
                "--profiling=false",
            ],
        }),
    };
}

/** @param kubeconfig the kubeconfig's text: a server that was started with another one must be started anew */
export function controllerServers(folder: StateFolder, ports: Ports, programs: Programs, kubeconfig: string): ControllerServers {
    const address = (name: PortName) => `127.0.0.1:${ports[name]}`;
    const server = serverMaker(folder, programs, kubeconfig);
    const config = `--kubeconfig=${folder.kubeconfig}`;
    const knative = (name: BinaryName, metrics: PortName, environment: Record<string, string> = {}) => ({
        SYSTEM_NAMESPACE: "knative-serving",
        CONFIG_LOGGING_NAME: "config-logging",
        CONFIG_OBSERVABILITY_NAME: "config-observability",
        // Served only where config-observability asks for Prometheus.
        METRICS_PROMETHEUS_HOST: "127.0.0.1",
        METRICS_PROMETHEUS_PORT: String(ports[metrics]),
        POD_NAME: `${name}-0`,
        POD_IP: NODE_ADDRESS,
        ...environment,
    });
    return {
        controllerManager: server("kube-controller-manager", [], {
            arguments: [
                config,
                "--leader-elect=false",
                // 0 serves nothing.
                "--secure-port=0",
                `--service-account-private-key-file=${join(folder.certificates, "service-account.key")}`,
                `--root-ca-file=${join(folder.certificates, "apiserver.crt")}`,
                `--controllers=*,${UNUSED_CONTROLLERS.map(name => `-${name}`).join(",")}`,
            ],
        }),
        scheduler: server("kube-scheduler", [], { arguments: [config, "--leader-elect=false", "--secure-port=0"] }),
        kwok: server("kwok", [], {
            arguments: [
                config,
                `--config=${folder.kwokStages}`,
                "--manage-all-nodes",
                `--cidr=${POD_RANGE}`,
                `--node-ip=${NODE_ADDRESS}`,
                "--node-lease-duration-seconds=40",
            ],
        }),
        knativeWebhook: server("knative-webhook", ["knativeWebhook", "knativeWebhookMetrics"], {
            arguments: [config],
            environment: knative("knative-webhook", "knativeWebhookMetrics", {
                WEBHOOK_NAME: "webhook",
                WEBHOOK_PORT: String(ports.knativeWebhook),
            }),
        }),
        knativeController: server("knative-controller", ["knativeControllerMetrics"], {
            arguments: [config],
            environment: knative("knative-controller", "knativeControllerMetrics"),
        }),
        knativeAutoscaler: server("knative-autoscaler", ["autoscalerStatistics", "autoscalerMetrics"], {
            arguments: [config, `-stats-address=${address("autoscalerStatistics")}`],
            environment: knative("knative-autoscaler", "autoscalerMetrics"),
        }),
        ingress: server("ingress", ["ingress", "ingressMetrics"], {
            arguments: [config, `-listen-address=${address("ingress")}`],
            environment: knative("ingress", "ingressMetrics"),
            probe: `http://${address("ingress")}/_sandbox/ready`,
        }),
        kserve: server("kserve-manager", ["kserveWebhook", "kserveProbe"], {
            arguments: [
                // 0 serves nothing. Source: sigs.k8s.io/controller-runtime/pkg/metrics/server.Options.
                "-metrics-address=0",
                `-health-probe-address=${address("kserveProbe")}`,
                `-webhook-port=${ports.kserveWebhook}`,
                `-certificate-folder=${folder.webhookCertificate}`,
            ],
            environment: { KUBECONFIG: folder.kubeconfig, POD_NAMESPACE: "kserve" },
            probe: `http://${address("kserveProbe")}/readyz`,
        }),
    };
}

function serverMaker(folder: StateFolder, programs: Programs, reads: string) {
    return (
        name: BinaryName,
        ports: readonly PortName[],
        rest: { readonly arguments: readonly string[]; readonly environment?: Record<string, string>; readonly probe?: string },
    ): Server => {
        const command = {
            program: programs[name],
            arguments: rest.arguments,
            environment: rest.environment ?? {},
            log: logFile(folder, name),
        };
        const digest = createHash("sha256")
            .update(JSON.stringify([command, reads]))
            .digest("hex");
        return { name, ports, ...command, ...(rest.probe === undefined ? {} : { probe: rest.probe }), digest };
    };
}
