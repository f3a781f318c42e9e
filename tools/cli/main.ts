import { Command } from "commander";
import { InvalidConfiguration } from "../../components/problems";
import { packageVersion } from "./packageVersion";
import { sandboxCommand } from "./sandbox";

const program = new Command("kst")
    .description("PyTorch models from files on disk to a KServe prediction endpoint")
    .version(packageVersion());
program.addCommand(sandboxCommand());

program.parseAsync().catch((error: unknown) => {
    // A user's mistake and a server's refusal say all there is in their message; anything else is a mistake of ours.
    const isOurs = !(error instanceof InvalidConfiguration) && error instanceof Error && isProgrammingError(error);
    process.stderr.write(`${isOurs ? error.stack : error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = 1;
});

function isProgrammingError(error: Error): boolean {
    return [TypeError, ReferenceError, RangeError, SyntaxError].some(kind => error instanceof kind);
}
