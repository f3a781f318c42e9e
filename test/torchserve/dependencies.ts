import { spawnSync } from "node:child_process";
import { join } from "node:path";

/** What TorchServe needs from the system, beside what pip brings: installed by `npm test -- --with-deps` and never without asking. */
interface Dependency {
    readonly name: string;
    /** Debian and Ubuntu packages that bring it; of alternatives the first that the system knows is taken. */
    readonly packages: readonly (readonly string[])[];
    present(): boolean;
}

const DEPENDENCIES: readonly Dependency[] = [
    {
        name: "Python 3 with torch, numpy and venv",
        // numpy comes from where torch comes from: torch 1.13 cannot use the numpy 2 that pip would bring.
        packages: [["python3-torch"], ["python3-numpy"], ["python3-venv"]],
        present: () => systemPython() !== undefined,
    },
    {
        name: "Java 17 or newer",
        packages: [["openjdk-17-jre-headless", "openjdk-21-jre-headless", "openjdk-25-jre-headless"]],
        present: () => (javaMajorVersion() ?? 0) >= 17,
    },
];

const INSTALL_TIMEOUT_MILLISECONDS = 20 * 60 * 1000;

/** Names of what the system lacks for TorchServe; empty when all is there. */
export function missingTorchServeDependencies(): string[] {
    return DEPENDENCIES.filter(dependency => !dependency.present()).map(dependency => dependency.name);
}

/** Installs what the system lacks with apt, after saying what and how much. Throws with the reason when that is not possible. */
export function installTorchServeDependencies(): void {
    const missing = DEPENDENCIES.filter(dependency => !dependency.present());
    if (missing.length === 0) {
        return;
    }
    const names = missing.map(dependency => dependency.name).join("; ");
    if (spawnSync("apt-get", ["--version"]).status !== 0) {
        throw new Error(`The TorchServe tests need ${names}. There is no apt-get here: install them by your system's own means.`);
    }
    apt(["update", "--quiet=2"]);
    const packages = missing.flatMap(dependency => dependency.packages.map(knownPackage));
    const options = ["install", "--no-install-recommends", "--no-upgrade", ...packages];
    console.log(`The TorchServe tests need ${names}. Installing ${packages.join(", ")} with apt.`);
    // Answering no makes apt say how much it would download and use, and end.
    const sizes = spawnSync("apt-get", [...options, "--assume-no"], { encoding: "utf8" }).stdout.match(/^(Need to get|After this) .*$/gm);
    console.log((sizes ?? []).join("\n"));
    apt([...options, "--assume-yes", "--quiet=2"]);
    const still = missingTorchServeDependencies();
    if (still.length > 0) {
        throw new Error(`apt has installed ${packages.join(", ")}, but this is still missing: ${still.join("; ")}`);
    }
}

/** The Python that has torch: the system's own before another on PATH, because Debian's packages are for that one. */
export function systemPython(): string | undefined {
    // Looked for, not imported: importing torch takes a second.
    const program = "import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, ['torch', 'numpy', 'ensurepip'])))";
    return ["/usr/bin/python3", "python3"].find(python => spawnSync(python, ["-c", program]).status === 0);
}

/** The Java that TorchServe's launcher takes. */
function javaMajorVersion(): number | undefined {
    const home = process.env.JAVA_HOME;
    const java = spawnSync(home ? join(home, "bin", "java") : "java", ["-version"], { encoding: "utf8" });
    const major = /version "(\d+)/.exec(java.stderr ?? "")?.[1];
    return major === undefined ? undefined : Number(major);
}

function knownPackage(alternatives: readonly string[]): string {
    const known = alternatives.find(name => spawnSync("apt-cache", ["show", "--quiet", name]).status === 0);
    if (known === undefined) {
        throw new Error(`apt knows none of ${alternatives.join(", ")}: enable the section that has it (Ubuntu: universe) and run again.`);
    }
    return known;
}

function apt(args: readonly string[]): void {
    const command = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", ...args];
    const [program = "", ...rest] = process.getuid?.() === 0 ? command : ["sudo", ...command];
    const result = spawnSync(program, rest, { stdio: "inherit", timeout: INSTALL_TIMEOUT_MILLISECONDS });
    if (result.status !== 0) {
        throw new Error(`${command.join(" ")} failed: ${result.error?.message ?? `exit code ${result.status}`}`);
    }
}
