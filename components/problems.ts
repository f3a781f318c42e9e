/** One mistake in what a user wrote: where, what was found, what is allowed, what to do. */
export interface Problem {
    /** Path in the stack file or the component's arguments, e.g. `services[0].canary.trafficPercent`. */
    readonly path: string;
    readonly found: unknown;
    /** Completes "… is not …", e.g. `a whole number from 0 to 100`. */
    readonly allowed: string;
    /** What to do about it, as an instruction. */
    readonly remedy: string;
}

/**
 * All the mistakes of one run, in one message. Pulumi and `kst` show it without a stack trace.
 */
export class InvalidConfiguration extends Error {
    /**
     * What Pulumi's Node host looks at to leave out the stack trace (`RunError.isInstance`, sdk/nodejs/errors.ts).
     * Set by name, because pure modules do not import Pulumi.
     */
    readonly __pulumiRunError = true;

    constructor(readonly problems: readonly Problem[]) {
        super(problems.map(describeProblem).join("\n"));
        this.name = "InvalidConfiguration";
    }
}

/** Throws all problems as one error; does nothing when there are none. */
export function refuse(problems: readonly Problem[]): void {
    if (problems.length > 0) {
        throw new InvalidConfiguration(problems);
    }
}

function describeProblem(problem: Problem): string {
    const found = problem.found === undefined ? "nothing" : JSON.stringify(problem.found);
    return `${problem.path}: ${found} is not ${problem.allowed}; ${problem.remedy}`;
}

/** The inclusive bounds of a whole number. */
export interface Bounds {
    readonly min: number;
    readonly max: number;
}

/** The problem, if any, of a value that must be a whole number within bounds; an absent value has its default and is fine. */
export function wholeNumberProblems(path: string, found: number | undefined, bounds: Bounds, remedy: string): Problem[] {
    if (found === undefined || (Number.isInteger(found) && found >= bounds.min && found <= bounds.max)) {
        return [];
    }
    return [{ path, found, allowed: `a whole number from ${bounds.min} to ${bounds.max}`, remedy }];
}
