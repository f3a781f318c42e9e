import { spawnSync } from "node:child_process";

/** Debian's and Ubuntu's package. Any Go from 1.21 on fetches the toolchain that the servers' modules ask for (https://go.dev/doc/toolchain). */
const PACKAGE = "golang-go";
const LEAST = [1, 21] as const;

/**
 * Installs what the sandbox needs from the system and does not find, which is Go, after saying so. Where the system's own Go is too old, or
 * there is no apt-get, it installs nothing: the build then says what to do.
 */
export function installSandboxDependencies(onLine: (line: string) => void): void {
    if (spawnSync("go", ["version"]).status === 0) {
        return;
    }
    const candidate = aptCandidate();
    if (candidate === undefined) {
        return;
    }
    onLine(`installing ${PACKAGE} ${candidate} with apt`);
    apt("install", "--no-install-recommends", "--assume-yes", "--quiet=2", PACKAGE);
}

/** The version that apt would install, if it is new enough. */
function aptCandidate(): string | undefined {
    if (spawnSync("apt-get", ["--version"]).status !== 0) {
        return undefined;
    }
    apt("update", "--quiet=2");
    const policy = spawnSync("apt-cache", ["policy", PACKAGE], { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }).stdout;
    const [candidate, major, minor] = policy.match(/Candidate: (?:\d+:)?(\d+)\.(\d+)\S*/) ?? [];
    const isNewEnough = Number(major) > LEAST[0] || (Number(major) === LEAST[0] && Number(minor) >= LEAST[1]);
    return isNewEnough ? candidate?.replace("Candidate: ", "") : undefined;
}

function apt(...args: string[]): void {
    const [command, ...rest] = process.getuid?.() === 0 ? ["apt-get", ...args] : ["sudo", "apt-get", ...args];
    spawnSync(command ?? "", rest, { stdio: "inherit" });
}
