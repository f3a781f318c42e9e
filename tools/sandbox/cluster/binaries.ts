/** A program built from one of the Go modules in `tools/sandbox/servers`. */
export interface Binary {
    readonly name: BinaryName;
    /** The module's folder. */
    readonly module: string;
    /** The main package: one of the module's own, or one that its go.mod names as a tool. */
    readonly package: string;
    readonly linkerFlags?: string;
}

export type BinaryName =
    | "etcd"
    | "kube-apiserver"
    | "kube-controller-manager"
    | "kube-scheduler"
    | "kwok"
    | "knative-webhook"
    | "knative-controller"
    | "knative-autoscaler"
    | "ingress"
    | "kserve-manager"
    | "objectstore";

const KUBERNETES_VERSION = "1.34.4";

/**
 * What `kubectl version` and Knative's check of the least version read; Go leaves it empty for a module that is not the main one.
 * Source: k8s.io/component-base/version, and knative.dev/pkg/version.CheckMinimumVersion.
 */
const KUBERNETES_FLAGS = Object.entries({
    gitVersion: `v${KUBERNETES_VERSION}`,
    gitMajor: KUBERNETES_VERSION.split(".")[0],
    gitMinor: KUBERNETES_VERSION.split(".")[1],
})
    .map(([name, value]) => `-X k8s.io/component-base/version.${name}=${value}`)
    .join(" ");

/** In the order of building: the object store, the API server and etcd first, since they are of use alone. */
export const BINARIES: readonly Binary[] = [
    { name: "objectstore", module: "objectstore", package: "." },
    { name: "etcd", module: "etcd", package: "go.etcd.io/etcd/server/v3" },
    kubernetes("kube-apiserver"),
    kubernetes("kube-controller-manager"),
    kubernetes("kube-scheduler"),
    { name: "kwok", module: "kwok", package: "sigs.k8s.io/kwok/cmd/kwok" },
    { name: "knative-webhook", module: "knative", package: "./webhook" },
    { name: "knative-controller", module: "knative", package: "./controller" },
    { name: "knative-autoscaler", module: "knative", package: "./autoscaler" },
    { name: "ingress", module: "knative", package: "./ingress" },
    { name: "kserve-manager", module: "kserve", package: "./manager" },
];

function kubernetes(name: "kube-apiserver" | "kube-controller-manager" | "kube-scheduler"): Binary {
    return { name, module: "kubernetes", package: `k8s.io/kubernetes/cmd/${name}`, linkerFlags: KUBERNETES_FLAGS };
}
