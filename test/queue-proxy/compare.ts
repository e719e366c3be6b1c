import { openSuite } from "./case.ts";
import { program } from "./subject.ts";
import { suites } from "./suites.ts";

/**
 * Runs every case against a program: `node test/queue-proxy/compare.ts [--ours] command...`. Without `--ours` the cases
 * that say how upstream differs are expected to fail. Exit status 1: something was not as expected.
 */
const parameters = process.argv.slice(2);
const ours = parameters[0] === "--ours";
const command = ours ? parameters.slice(1) : parameters;
let passed = 0;
let differing = 0;
let unsteady = 0;
let unexpected = 0;
for (const suite of suites) {
  const opened = await openSuite(suite, program(command));
  for (const one of suite.cases) {
    const expected = ours || one.differs === undefined;
    const failure = await opened.run(one).then(
      () => undefined,
      (error: Error) => error.message.split("\n").slice(0, 6).join("\n    "),
    );
    if (!ours && one.unsteady !== undefined) unsteady++;
    else if (failure === undefined && expected) passed++;
    else if (failure !== undefined && !expected) differing++;
    else {
      unexpected++;
      console.log(`${suite.name}: ${one.name}\n    ${failure ?? "no longer differs"}`);
    }
  }
  await opened.close();
}
console.log(`${passed} as stated, ${differing} differ as stated, ${unsteady} unsteady, ${unexpected} unexpected`);
process.exitCode = unexpected > 0 ? 1 : 0;
