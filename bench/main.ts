import { main as packaging } from "./packaging";
import { main as startup } from "./startup";

// `npm run bench`, or `npm run bench -- startup` for one. Prints ratios within the same run: seconds are the machine's, ratios ours.
const BENCHMARKS: Readonly<Record<string, () => Promise<void>>> = { startup, packaging };

async function main(names: readonly string[]): Promise<void> {
    for (const name of names.length > 0 ? names : Object.keys(BENCHMARKS)) {
        const benchmark = BENCHMARKS[name];
        if (benchmark === undefined) {
            throw new Error(`there is no benchmark ${name}; there are ${Object.keys(BENCHMARKS).join(", ")}`);
        }
        console.log(`\n${name}`);
        await benchmark();
    }
}

main(process.argv.slice(2)).catch((error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
});
