import { parseArgs } from "node:util";
import { systemClock } from "../../src/lib/clock.ts";
import { program } from "./subject.ts";
import { groups } from "./suites.ts";

/**
 * Runs every case against a program: `node test/queue-proxy/compare.ts [--ours] [--only GROUP] -- command...`. Without
 * `--ours` the cases that say how upstream differs are expected to fail. Exit status 1: something was not as expected.
 */
const { values, positionals } = parseArgs({
  options: { ours: { type: "boolean" }, only: { type: "string" } },
  allowPositionals: true,
});
const { ours = false, only = "" } = values;
const caseLimitMs = 20_000;
/** Some differences are that upstream hangs: no reason to wait for long. */
const differingLimitMs = 5_000;

let passed = 0;
let differing = 0;
let unsteady = 0;
let unexpected = 0;
for (const group of groups) {
  if (!group.name.includes(only)) continue;
  const opened = await group.open(program(positionals));
  for (const one of group.cases) {
    const expected = ours || one.differs === undefined;
    const failure = await limited(opened.run(one), expected ? caseLimitMs : differingLimitMs).then(
      () => undefined,
      (error: Error) => error.message.split("\n").slice(0, 6).join("\n    "),
    );
    if (!ours && one.unsteady !== undefined) unsteady++;
    else if (failure === undefined && expected) passed++;
    else if (failure !== undefined && !expected) differing++;
    else {
      unexpected++;
      console.log(`${group.name}: ${one.name}\n    ${failure ?? "no longer differs"}`);
    }
  }
  await opened.close();
}
console.log(`${passed} as stated, ${differing} differ as stated, ${unsteady} unsteady, ${unexpected} unexpected`);
process.exit(unexpected > 0 ? 1 : 0);

/** A case that hangs is a case that fails. */
async function limited(run: Promise<void>, limitMs: number): Promise<void> {
  let cancel = () => {};
  const late = new Promise<never>((_, reject) => {
    cancel = systemClock.setTimer(limitMs, () => reject(new Error(`not over after ${limitMs / 1000} s`)));
  });
  await Promise.race([run, late]).finally(cancel);
}
