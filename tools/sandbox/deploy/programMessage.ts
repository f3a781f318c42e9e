import { stripVTControlCharacters } from "node:util";

/**
 * What a user should see of an error of their program: its message. Pulumi's host puts a line before it and Node's stack trace, in colours,
 * after it. Source: pulumi/pulumi `sdk/nodejs/cmd/run/run.ts`.
 */
export function programMessage(logged: string): string {
    const lines = stripVTControlCharacters(logged)
        .replace(/^Running program '.*' failed with an unhandled exception:\n/, "")
        .split("\n");
    // Node shows the source line in front of a syntax error's message, and fields such as `code` after the stack.
    const firstFrame = lines.findIndex(line => /^\s+at .*(:\d+:\d+\)?|<anonymous>\)?)$/.test(line));
    const shown = (firstFrame === -1 ? lines : lines.slice(0, firstFrame)).join("\n").trim();
    // An error without frames is shown in brackets, with its other properties after it.
    const [, message = shown] = /^(?:<ref \*\d+> )?\[([\s\S]*)\](?: \{\n[\s\S]*\n\})?$/.exec(shown) ?? [];
    return message.replace(/^(Uncaught )?[A-Za-z]*Error( \[[A-Z_]+\])?: /, "");
}

/** Takes secrets out of what other programs write. */
export class Redactor {
    private readonly texts = new Set<string>();

    /** Shorter ones would blank out parts of ordinary words. */
    add(secrets: readonly string[]): void {
        for (const secret of secrets.filter(text => text.length >= 4)) {
            this.texts.add(secret);
            this.texts.add(Buffer.from(secret).toString("base64"));
        }
    }

    clean(text: string): string {
        return [...this.texts]
            .sort((a, b) => b.length - a.length)
            .reduce((cleaned, secret) => cleaned.replaceAll(secret, "[secret]"), text);
    }
}
