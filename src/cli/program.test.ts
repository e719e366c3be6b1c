import assert from "node:assert/strict";
import { test } from "node:test";
import type { Actions, ClusterStatus, ProcessStatus, RunningCluster, Simulation } from "./actions.ts";
import { UserError } from "./errors.ts";
import { createProgram, exitCodeOf } from "./program.ts";
import { memoryOf } from "./status-lines.ts";
import { createTerminal } from "./terminal.ts";

interface Run {
  readonly out: string;
  readonly err: string;
  readonly code: number;
  readonly calls: readonly unknown[][];
}

const idle: ClusterStatus = { running: false, dataDir: "/data", processes: [], services: [] };
const busy: ClusterStatus = {
  running: true,
  dataDir: "/data",
  gatewayUrl: "http://localhost:8080",
  kubeconfig: "/data/kubeconfig",
  processes: [{ name: "apiserver", pid: 12, restarts: 1, residentBytes: 64 << 20, proportionalBytes: 40 << 20 }],
  services: [
    { namespace: "default", name: "hello", ready: "True", url: "http://hello.default.localhost:8080", pods: 2 },
    { namespace: "default", name: "broken", ready: "False", message: "image not found", pods: 0 },
  ],
};

const started: RunningCluster = {
  kubeconfig: "/data/kubeconfig",
  gatewayUrl: "http://localhost:8080",
  registry: "localhost:5050",
  version: "1.2.3",
  status: async () => busy,
  stop: async () => {},
};

const tick = { load: 10, stableValue: 10, panicValue: 10, desiredPods: 2, readyPods: 2, mode: "stable" };
const simulation: Simulation = {
  settings: ["a long name", "b"].map((name) => ({
    name,
    metric: "concurrency",
    targetValue: 7,
    totalValue: 10,
    ticks: [
      { ...tick, atMs: 2000, rule: "stable window" },
      { ...tick, atMs: 4000, rule: "stable window" },
      { ...tick, atMs: 64_000, desiredPods: 4, rule: "panic window" },
    ],
    summary: { mostPods: 4, podMinutes: 1.5, overloadedSeconds: 3, changes: 1 },
  })),
  recorded: [],
};

async function run(args: readonly string[], overrides: Partial<Actions> = {}): Promise<Run> {
  let out = "";
  let err = "";
  let code = 0;
  const calls: unknown[][] = [];
  const terminal = createTerminal({ write: (text) => (out += text) }, { write: (text) => (err += text) });
  const unexpected = (name: string) => async (): Promise<never> => {
    throw new Error(`${name} was not expected`);
  };
  const actions: Actions = {
    up: unexpected("up"),
    down: unexpected("down"),
    status: async () => idle,
    async deploy(options) {
      calls.push(["deploy", options]);
      return {
        name: "app",
        namespace: options.namespace,
        image: "localhost:5050/app@sha256:1",
        url: "http://app.default.localhost:8080",
        revision: "app-00001",
        ready: options.wait,
      };
    },
    logs: unexpected("logs"),
    simulate(options) {
      calls.push(["simulate", options]);
      return simulation;
    },
    kubeconfigPath: async () => "/data/kubeconfig",
    defaultDataDir: () => "/data",
    interrupted: () => new AbortController().signal,
    pause: async () => {},
    fail: () => {
      code = 1;
    },
    ...overrides,
  };
  try {
    await createProgram({ actions, terminal }, "1.2.3").parseAsync([...args], { from: "user" });
  } catch (error) {
    code = exitCodeOf(error);
    if (error instanceof UserError) err += error.message;
  }
  return { out, err, code, calls };
}

interface Row {
  readonly name: string;
  readonly args: readonly string[];
  readonly actions?: Partial<Actions>;
  readonly code: number;
  readonly out?: RegExp;
  readonly err?: RegExp;
}

const rows: Row[] = [
  { name: "help names every command and ends well", args: ["--help"], code: 0, out: /up.*down.*status.*deploy.*logs/s },
  {
    name: "help of a command has examples",
    args: ["deploy", "--help"],
    code: 0,
    out: /Examples:\n {2}hakn deploy \.\/app/,
  },
  { name: "version", args: ["--version"], code: 0, out: /^1\.2\.3\n$/ },
  {
    name: "an unknown command is wrong usage",
    args: ["depoy"],
    code: 2,
    err: /unknown command 'depoy'.*Did you mean deploy/s,
  },
  { name: "an unknown option is wrong usage", args: ["status", "--yaml"], code: 2, err: /unknown option '--yaml'/ },
  {
    name: "a port is a number",
    args: ["up", "--http-port", "http"],
    code: 2,
    err: /a port is a number from 0 to 65535/,
  },
  { name: "nothing is no port", args: ["up", "--http-port", ""], code: 2, err: /a port is a number/ },
  { name: "nothing is no number of lines", args: ["logs", "a", "--tail", ""], code: 2, err: /a number of lines/ },
  { name: "a port has a limit", args: ["up", "--http-port", "70000"], code: 2, err: /a port is a number/ },
  {
    name: "deploy needs a directory",
    args: ["deploy"],
    code: 2,
    err: /missing required argument 'directory'\nRun `hakn deploy --help`/,
  },
  ...["up", "down", "deploy", "logs", "simulate"].map((command) => ({
    name: `help shows no default where there is none to show: ${command}`,
    args: [command, "--help"],
    code: 0,
    out: /^(?!.*\(default:\s+(\[\]|false)\))/s,
  })),
  { name: "an environment variable has a value", args: ["deploy", ".", "-e", "X"], code: 2, err: /write NAME=VALUE/ },
  {
    name: "a deployment that is ready tells its URL",
    args: ["deploy", "."],
    code: 0,
    out: /app-00001 is ready: http:/,
  },
  {
    name: "one that is not waited for says how to watch it",
    args: ["deploy", ".", "--no-wait"],
    code: 0,
    out: /hakn status/,
  },
  {
    name: "status without a cluster fails and says what to do",
    args: ["status"],
    code: 1,
    out: /Start one with `hakn up`/,
  },
  {
    name: "status says why the services are not known, and fails",
    args: ["status"],
    actions: { status: async () => ({ ...busy, services: [], problem: "the services cannot be read: ECONNREFUSED" }) },
    code: 1,
    out: /apiserver +12.*the services cannot be read: ECONNREFUSED\n$/s,
  },
  {
    name: "status as JSON is JSON, also when it fails",
    args: ["status", "--json"],
    code: 1,
    out: /^\{"running":false,.*\}\n$/,
  },
  {
    name: "status shows addresses of what is ready and reasons of what is not",
    args: ["status"],
    actions: { status: async () => busy },
    code: 0,
    out: /apiserver +12 +64 MB +40 MB +1.*1 processes, 40 MB \(PSS\), 1 restarts.*hello +True.*http:\/\/hello.*broken +False.*image not found/s,
  },
  {
    name: "simulate prints a row for each change, and sums up",
    args: ["simulate", "load.csv"],
    code: 0,
    out: /a long name +b\nTIME .*\n0:02 +10 +2 +2 .*\n1:04 +10 +4 +2 .*\n\nSETTING.*\na long name +4 +1\.5 +3s +1\n/,
  },
  {
    name: "simulate prints every tick if asked to",
    args: ["simulate", "load.csv", "--all"],
    code: 0,
    out: /0:02.*\n0:04.*\n1:04/,
  },
  { name: "simulate as JSON", args: ["simulate", "load.csv", "--json"], code: 0, out: /^\{"settings":\[\{.*\}\n$/ },
  { name: "simulate needs a file", args: ["simulate"], code: 2, err: /missing required argument 'file'/ },
  {
    name: "kubeconfig for a shell",
    args: ["kubeconfig", "--env"],
    code: 0,
    out: /^export KUBECONFIG=\/data\/kubeconfig\n$/,
  },
  {
    name: "kubeconfig for a shell, at a path that needs quotes",
    args: ["kubeconfig", "--env"],
    actions: { kubeconfigPath: async () => "/home/Ann O'Neil/kubeconfig" },
    code: 0,
    out: /^export KUBECONFIG='\/home\/Ann O'\\''Neil\/kubeconfig'\n$/,
  },
  {
    name: "kubeconfig as JSON says where it is",
    args: ["kubeconfig", "--json"],
    code: 0,
    out: /^\{"kubeconfig":"\/data\/kubeconfig"\}\n$/,
  },
  {
    name: "the line for kubectl can be pasted, whatever the home directory is called",
    args: ["up"],
    actions: {
      up: async () => ({ ...started, kubeconfig: "/home/Ann O/kubeconfig" }),
      interrupted: () => AbortSignal.abort(),
    },
    code: 0,
    out: /^ {2}kubectl: export KUBECONFIG='\/home\/Ann O\/kubeconfig'$/m,
  },
  {
    name: "logs of one pod are its lines as they are",
    args: ["logs", "hello"],
    actions: { logs: async (_, print) => print({ pod: "a", container: "c", line: "[x] y", alone: true }) },
    code: 0,
    out: /^\[x\] y\n$/,
  },
  {
    name: "logs of several pods tell them apart",
    args: ["logs", "hello"],
    actions: { logs: async (_, print) => print({ pod: "a", container: "c", line: "y", alone: false }) },
    code: 0,
    out: /^\[a\] y\n$/,
  },
  {
    name: "logs as JSON, a line each",
    args: ["logs", "hello", "--json"],
    actions: { logs: async (_, print) => print({ pod: "a", container: "c", line: 'say "y"', alone: true }) },
    code: 0,
    out: /^\{"pod":"a","container":"c","line":"say \\"y\\""\}\n$/,
  },
  {
    name: "an error that the user can mend is told without a stack",
    args: ["logs", "nobody"],
    actions: { logs: () => Promise.reject(new UserError("there are no pods")) },
    code: 1,
    err: /^there are no pods$/,
  },
];

for (const row of rows) {
  test(`hakn: ${row.name}`, async () => {
    const result = await run(row.args, row.actions);
    assert.equal(result.code, row.code, result.err);
    if (row.out) assert.match(result.out, row.out);
    if (row.err) assert.match(result.err, row.err);
  });
}

test("hakn deploy: options reach the action", async () => {
  const { calls } = await run([
    "deploy",
    "./app",
    "--name",
    "shop",
    "-n",
    "prod",
    "-e",
    "A=1",
    "-e",
    "B=x=y",
    "--timeout",
    "5",
  ]);
  assert.deepEqual(calls, [
    [
      "deploy",
      {
        dataDir: "/data",
        directory: "./app",
        name: "shop",
        namespace: "prod",
        env: { A: "1", B: "x=y" },
        wait: true,
        timeoutMs: 5000,
        imageOnly: false,
      },
    ],
  ]);
});

const withPss = { name: "a", pid: 1, restarts: 0, residentBytes: 50, proportionalBytes: 20 };
const withoutPss = { name: "b", pid: 2, restarts: 0, residentBytes: 60 };
const memories: readonly [name: string, processes: readonly ProcessStatus[], bytes: number, measure: string][] = [
  ["all tell their PSS", [withPss, withPss], 40, "PSS"],
  ["one does not: RSS of all", [withPss, withoutPss], 110, "RSS"],
  ["none is there", [], 0, "PSS"],
];
for (const [name, processes, bytes, measure] of memories) {
  test(`memory of the cluster: ${name}`, () => assert.deepEqual(memoryOf(processes), { bytes, measure }));
}
