/** Runs upstream's own tests against an embedded cluster: `npm run conformance -- --help`. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createWriteStream, mkdirSync, mkdtempSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startTestCluster, type TestCluster } from "../embedded/cluster.ts";
import { buildImageProgram, buildSuite, commandDirectory, workDirectory } from "./go-build.ts";
import { prepareCluster, withConfigOf } from "./prepare-cluster.ts";
import { pushProgram } from "./push-image.ts";
import { parseResults, type Result } from "./results.ts";
import { type Suite, suites, type Test } from "./suites.ts";

const help = `Runs upstream's tests (of knative.dev/serving v0.42.2 and of kn v1.15) against an embedded cluster. Needs Go and
kubectl. The tests and their images are Go modules: Go fetches and builds them through its module proxy (a gigabyte and some
minutes the first time, then they are kept in ${workDirectory}; HAKN_CONFORMANCE_DIR names another place).

  npm run conformance -- [options]

  --class A,B,C    only tests of these classes (A,B unless told): A needs the API and the control plane,
                   B pods that become ready, C pods that answer
  --suite NAME     only this suite; may be repeated
  --run REGEXP     only tests whose names match
  --repeat N       run everything N times
  --parallel N     how many tests of a suite run at a time (4)
  --list           say what would be run, and what is left out and why
`;

const { values: options } = parseArgs({
  options: {
    class: { type: "string", default: "A,B" },
    suite: { type: "string", multiple: true },
    run: { type: "string", default: "" },
    repeat: { type: "string", default: "1" },
    parallel: { type: "string", default: "4" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

const classes = options.class.split(",");
const chosen = suites
  .filter(({ name }) => !options.suite || options.suite.includes(name))
  .map((suite) => ({ suite, tests: suite.tests.filter(isChosen) }))
  .filter(({ tests }) => tests.length > 0);

if (options.help) process.stdout.write(help);
else if (options.list) list();
else if (!(await run())) process.exitCode = 1;

function isChosen(test: Test): boolean {
  return classes.includes(test.class) && new RegExp(options.run).test(test.name);
}

function list(): void {
  for (const { suite, tests } of chosen) {
    for (const test of tests) print(suite, test, test.leftOut ? `left out: ${test.leftOut}` : "");
  }
}

function print(suite: Suite, test: Pick<Test, "name" | "class">, text: string): void {
  process.stdout.write(`${suite.name.padEnd(20)} ${test.class} ${test.name.padEnd(60)} ${text}\n`);
}

/** Resolves with whether all tests passed. */
async function run(): Promise<boolean> {
  const ready = [];
  for (const { suite, tests } of chosen) {
    const present = tests.filter(({ leftOut }) => leftOut === undefined);
    if (present.length === 0) continue;
    process.stderr.write(`building ${suite.name} and its images\n`);
    const binary = await buildSuite(suite);
    const programs = [];
    for (const image of suite.images) programs.push({ image, path: await buildImageProgram(suite.repository, image) });
    ready.push({ suite, tests: present, binary, programs });
  }
  const [httpPort, httpsPort] = [randomNodePort(0), randomNodePort(1)];
  const cluster = await startTestCluster({ httpPort, httpsPort });
  // One's own: others may be running suites at the same time.
  const logs = join(workDirectory, "logs");
  mkdirSync(logs, { recursive: true });
  const logDirectory = mkdtempSync(join(logs, "run-"));
  process.stderr.write(`what the tests say is written to ${logDirectory}\n`);
  let good = true;
  try {
    await prepareCluster(cluster, httpPort, httpsPort);
    for (const { suite, programs } of ready) {
      for (const { image, path } of programs) await pushProgram(path, cluster.registry, suite.repository, image);
    }
    for (let round = 0; round < Number(options.repeat); round++) {
      for (const { suite, tests, binary } of ready) {
        const log = join(logDirectory, `${suite.name}${round === 0 ? "" : `-${round + 1}`}.log`);
        const results = await withConfigOf(cluster, suite, () => runTests(cluster, suite, tests, binary, log));
        for (const [index, { outcome, seconds }] of results.entries()) {
          print(suite, tests[index]!, `${outcome} ${seconds} s`);
          good &&= outcome === "pass";
        }
      }
    }
  } finally {
    await cluster.stop();
  }
  return good;
}

async function runTests(
  cluster: TestCluster,
  suite: Suite,
  tests: readonly Test[],
  binary: string,
  log: string,
): Promise<Result[]> {
  const names = tests.map(({ name }) => name);
  const child = spawn(
    binary,
    [
      "-test.v",
      "-test.count=1",
      `-test.parallel=${options.parallel}`,
      "-test.timeout=30m",
      `-test.run=${selector(names)}`,
      `-dockerrepo=${cluster.registry}/${suite.repository}`,
      ...suite.flags,
    ],
    {
      env: {
        ...process.env,
        PATH: `${commandDirectory}:${process.env["PATH"]}`,
        KUBECONFIG: join(cluster.dataDir, "kubeconfig"),
        SYSTEM_NAMESPACE: "knative-serving",
      },
      stdio: ["ignore", "pipe", "pipe"],
    },
  );
  const output = createWriteStream(log);
  child.stdout.pipe(output, { end: false });
  child.stderr.pipe(output, { end: false });
  await once(child, "close");
  output.end();
  await once(output, "close");
  return parseResults(readFileSync(log, "utf8"), names);
}

/** Go matches a name level by level, at each "/". */
function selector(names: readonly string[]): string {
  const parts = names.map((name) => name.split("/"));
  const depth = Math.max(...parts.map(({ length }) => length));
  const levels = Array.from({ length: depth }, (_, level) => parts.flatMap((part) => part[level] ?? []));
  return levels.map((level) => `^(${[...new Set(level)].join("|")})$`).join("/");
}

/** Node ports are from 30000 to 32767; two runs at a time should not clash. */
function randomNodePort(half: 0 | 1): number {
  return 30_000 + half * 1_300 + Math.floor(Math.random() * 1_300);
}
