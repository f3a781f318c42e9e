import { existsSync, readFileSync, statSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { parse, YAMLParseError } from "yaml";
import { z } from "zod";
import { type Problem, refuse } from "../../../components/problems";

/** A Pulumi project on disk, with one stack's configuration. */
export interface Project {
    readonly name: string;
    readonly root: string;
    /** Working directory of the program. */
    readonly pwd: string;
    /** What is run, relative to `pwd`. */
    readonly program: string;
    /** Whether Pulumi's host transpiles the program; true unless Pulumi.yaml says `typescript: false`. */
    readonly typescript: boolean;
    readonly nodeArguments: readonly string[];
    /** As Pulumi hands it to programs: `namespace:key`, structured values as JSON. */
    readonly config: Readonly<Record<string, string>>;
    /** Keys that Pulumi.yaml declares secret. */
    readonly secretKeys: readonly string[];
}

const declarationSchema = z.looseObject({ default: z.unknown().optional(), value: z.unknown().optional(), secret: z.boolean().optional() });
const projectSchema = z.looseObject({
    name: z.string(),
    main: z.string().optional(),
    runtime: z.union([
        z.string(),
        z.looseObject({
            name: z.string(),
            options: z.looseObject({ typescript: z.boolean().optional(), nodeargs: z.string().optional() }).optional(),
        }),
    ]),
    config: z.record(z.string(), z.unknown()).optional(),
});
const stackSchema = z.looseObject({ config: z.record(z.string(), z.unknown()).nullish(), environment: z.unknown().optional() });

export function readProject(projectDir: string, configFile: string | undefined): Project {
    const root = resolve(projectDir);
    const file = join(root, "Pulumi.yaml");
    const project = read(file, projectSchema);
    const runtime = typeof project.runtime === "string" ? { name: project.runtime } : project.runtime;
    const stack = configFile === undefined ? {} : read(configFile, stackSchema);
    refuse([
        ...problem(
            runtime.name !== "nodejs",
            `${file}: runtime`,
            runtime.name,
            "a runtime the sandbox knows",
            "write the program for nodejs",
        ),
        ...problem(
            stack.environment !== undefined,
            `${configFile}: environment`,
            stack.environment,
            "available without the Pulumi CLI",
            "write its values into the stack file",
        ),
    ]);
    const options = runtime.options ?? {};
    const defaults = projectDefaults(project.name, project.config ?? {});
    return {
        name: project.name,
        root,
        ...programOf(root, project.main),
        typescript: options.typescript !== false,
        nodeArguments: options.nodeargs?.split(/\s+/).filter(argument => argument !== "") ?? [],
        config: { ...defaults.config, ...stackConfig(project.name, stack.config ?? {}, configFile ?? "") },
        secretKeys: defaults.secretKeys,
    };
}

/** Source: `GetPwdMain` in pulumi/pulumi `sdk/go/common/workspace`/`pkg/engine`: a folder is run from within, a file from beside it. */
export function programOf(root: string, main: string | undefined): { pwd: string; program: string } {
    if (main === undefined || main === "") {
        return { pwd: root, program: "." };
    }
    const path = resolve(root, main);
    const outside = isAbsolute(main) || relative(root, path).startsWith("..");
    refuse(problem(outside, "Pulumi.yaml: main", main, "a path within the project", "give a path relative to Pulumi.yaml"));
    refuse(problem(!existsSync(path), "Pulumi.yaml: main", main, "there", "build the program first"));
    return statSync(path).isDirectory() ? { pwd: path, program: "." } : { pwd: dirname(path), program: basename(path) };
}

/** Pulumi.yaml's `config`: a plain value, or a declaration with `default` (the project's own keys) or `value` (any namespace's). */
function projectDefaults(project: string, declared: Readonly<Record<string, unknown>>) {
    const config: Record<string, string> = {};
    const secretKeys: string[] = [];
    for (const [key, declaration] of Object.entries(declared)) {
        const parsed = declarationSchema.safeParse(declaration);
        const value = parsed.success ? (parsed.data.value ?? parsed.data.default) : declaration;
        if (value !== undefined && value !== null) {
            config[namespaced(project, key)] = configText(value);
        }
        if (parsed.success && parsed.data.secret === true) {
            secretKeys.push(namespaced(project, key));
        }
    }
    return { config, secretKeys };
}

function stackConfig(project: string, config: Readonly<Record<string, unknown>>, file: string): Record<string, string> {
    refuse(Object.entries(config).flatMap(([key, value]) => securePaths(value, `${file}: ${key}`)));
    return Object.fromEntries(Object.entries(config).map(([key, value]) => [namespaced(project, key), configText(value)]));
}

/** `secure:` values can stand at any depth; only the Pulumi CLI has the key to them. */
function securePaths(value: unknown, path: string): Problem[] {
    if (Array.isArray(value)) {
        return value.flatMap((item, place) => securePaths(item, `${path}[${place}]`));
    }
    if (typeof value !== "object" || value === null) {
        return [];
    }
    const members = Object.entries(value);
    if (members.length === 1 && members[0]?.[0] === "secure") {
        return problem(true, path, "secure: …", "readable without the Pulumi CLI", "give the sandbox a value of its own, in plain text");
    }
    return members.flatMap(([name, member]) => securePaths(member, `${path}.${name}`));
}

function configText(value: unknown): string {
    return typeof value === "string" ? value : JSON.stringify(value);
}

function namespaced(project: string, key: string): string {
    return key.includes(":") ? key : `${project}:${key}`;
}

function read<T>(file: string, schema: z.ZodType<T>): T {
    refuse(problem(!existsSync(file), file, undefined, "there", "give the path of an existing file"));
    let content: unknown;
    try {
        content = parse(readFileSync(file, "utf8")) ?? {};
    } catch (error) {
        refuse(problem(error instanceof YAMLParseError, file, firstLine(error), "YAML", "mend the line it names"));
        throw error;
    }
    const parsed = schema.safeParse(content);
    if (!parsed.success) {
        refuse(
            parsed.error.issues.map(issue => ({
                path: `${file}: ${issue.path.join(".")}`,
                found: issue.message,
                allowed: "what Pulumi expects there",
                remedy: "see https://www.pulumi.com/docs/iac/concepts/projects/project-file/",
            })),
        );
        throw parsed.error;
    }
    return parsed.data;
}

function problem(wrong: boolean, path: string, found: unknown, allowed: string, remedy: string): Problem[] {
    return wrong ? [{ path, found, allowed, remedy }] : [];
}

function firstLine(error: unknown): string {
    return String(error instanceof Error ? error.message : error).split("\n")[0] ?? "";
}
