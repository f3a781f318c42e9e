import { spawnSync } from "node:child_process";
import { servingRuntimeSpec } from "../../components/torchserve/servingRuntimeSpec";
import { type Command, HTTP_SOCKET, METRICS_SOCKET } from "./command";

const NAMESPACES = ["--map-root-user", "--net", "--mount"];

/** Why TorchServe cannot be started as in a pod here; undefined when it can. */
export function podUnavailable(): string | undefined {
    const tried = spawnSync("unshare", [...NAMESPACES, "sh", "-c", "ip link set lo up && mount -t tmpfs none /mnt"], { encoding: "utf8" });
    return tried.status === 0 ? undefined : `no network and mount namespaces: ${tried.error?.message ?? tried.stderr.trim()}`;
}

/**
 * Starts TorchServe with the store and the arguments that its pod would have, in a network where it may listen where it likes. That
 * matters beyond being faithful: TorchServe 0.9 opens its gRPC ports to every network of the machine, whatever is configured.
 */
export function podCommand(python: string, store: string): Command {
    const [container] = servingRuntimeSpec({ image: {} }).containers;
    const serverArguments = container?.args.slice(1) ?? [];
    return {
        program: "unshare",
        args: [...NAMESPACES, "sh", "-ec", SCRIPT, "pod", store, process.execPath, python, ...serverArguments],
        env: {},
    };
}

// Unix sockets are reached from outside of the network; a few lines of Node carry them to the ports that the configuration names.
const RELAY = `
const net = require("node:net");
for (const [socket, port] of [["${HTTP_SOCKET}", 8085], ["${METRICS_SOCKET}", 8082]]) {
    net.createServer(outside => {
        const inside = net.connect(port, "127.0.0.1");
        outside.pipe(inside).pipe(outside);
        outside.on("error", () => inside.destroy());
        inside.on("error", () => outside.destroy());
    }).listen(socket);
}
`;

const SCRIPT = `
store=$1 node=$2 python=$3
shift 3
ip link set lo up
mount -t tmpfs none /mnt
mkdir /mnt/models
mount --bind "$store" /mnt/models
mount -o remount,bind,ro /mnt/models
"$node" -e '${RELAY}' &
exec "$python" -m ts.model_server --foreground "$@"
`;
