/**
 * Measures our queue-proxy against upstream's in one run, alternating; figures are medians of the rounds, ratios medians of
 * what they are in each round:
 * `npm run bench -- queue-proxy [--rounds N] [--seconds S] [--warm-up S] [--only PATTERN] [--node]`; a few minutes as it is.
 * Upstream's binary comes from `cd bench/upstream && go build -o queue knative.dev/serving/cmd/queue` (or HAKN_BENCH_UPSTREAM
 * names it); ours is dist/bin/queue-proxy as `npm run build` compiles it with Bun (HAKN_BENCH_BUN names another), with --node
 * also its sources on Node. Load generator and container run on Bun where it is installed, so that they take little of the
 * cores that they share with the program measured.
 * Ports 8022, 9090 and 9091 must be free. Linux only: CPU and memory are read from /proc.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import net from "node:net";
import { loadavg } from "node:os";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { findBun } from "../build/queue-proxy.ts";
import { bunEnvironment, busyNode } from "../src/main/runtime.ts";
import { downloadHuge, uploadHuge } from "./queue-proxy/huge.ts";
import type { Load, LoadResult } from "./queue-proxy/load.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    rounds: { type: "string", default: "2" },
    seconds: { type: "string", default: "3" },
    "warm-up": { type: "string", default: "4" },
    node: { type: "boolean", default: false },
    only: { type: "string", default: "" },
  },
});
const rounds = Number(options.rounds);
const durationMs = 1000 * Number(options.seconds);
const warmUpMs = 1000 * Number(options["warm-up"]);
/** One download and one upload of this many bytes, for the peak of memory. */
const hugeBytes = 1_000_000_000;
const ticksPerSecond = 100;
/** Memory is read once the load is over and again after this pause: some is given back. */
const restMs = 3000;
const megabyte = 1024;

const candidates: Readonly<Record<string, readonly string[]>> = {
  upstream: [process.env["HAKN_BENCH_UPSTREAM"] ?? `${root}bench/upstream/queue`],
  bun: [process.env["HAKN_BENCH_BUN"] ?? `${root}dist/bin/queue-proxy`],
  ...(options.node && { node: [...busyNode, `${root}src/main/queue-proxy.ts`] }),
};

interface Measure extends LoadResult {
  readonly cpuSeconds: number;
  /** Of the load generator and the container together. */
  readonly ownCpuSeconds: number;
}

interface Scenario {
  readonly name: string;
  readonly load: Omit<Load, "port" | "durationMs">;
}

const allScenarios: readonly Scenario[] = [
  { name: "1 connection", load: { connections: 1, path: "/" } },
  { name: "8 connections", load: { connections: 8, path: "/" } },
  { name: "64 connections", load: { connections: 64, path: "/" } },
  { name: "100 kB down, 8 connections", load: { connections: 8, path: "/100000" } },
  { name: "100 kB up, 8 connections", load: { connections: 8, path: "/", upload: 100_000 } },
  { name: "10 MB down, 2 connections", load: { connections: 2, path: "/10000000" } },
  { name: "10 MB up, 2 connections", load: { connections: 2, path: "/", upload: 10_000_000 } },
  { name: "h2c, 8 connections, 4 streams each", load: { connections: 8, path: "/", streams: 4 } },
  { name: "h2c, 4 connections, 32 streams each", load: { connections: 4, path: "/", streams: 32 } },
  { name: "open load of 2,000 rps, 8 connections", load: { connections: 8, path: "/", rate: 2000 } },
];

const scenarios = allScenarios.filter(({ name }) => new RegExp(options.only).test(name));

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** Megabytes. */
interface Memory {
  readonly rss: number;
  readonly private: number;
  readonly peak: number;
}

function memory(pid: number): Memory {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / megabyte;
  return { rss: field("VmRSS"), private: field("RssAnon"), peak: field("VmHWM") };
}

/** Starts one of the bench's own programs. */
function startOwn(name: string): { readonly child: ChildProcess; nextLine(): Promise<string> } {
  const child = spawn(findBun() ?? process.execPath, [`${root}bench/queue-proxy/${name}.ts`], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  return {
    child,
    async nextLine() {
      const { value, done } = await lines.next();
      if (done) throw new Error(`the bench's ${name} ended`);
      return value;
    },
  };
}

async function runLoad(load: Load): Promise<LoadResult> {
  generator.child.stdin!.write(`${JSON.stringify(load)}\n`);
  return JSON.parse(await generator.nextLine()) as LoadResult;
}

/** Starts a candidate and waits for its first 200 to a kubelet's probe. */
async function startProxy(command: readonly string[], userPort: number, port: number) {
  const env = {
    CONTAINER_CONCURRENCY: "200",
    QUEUE_SERVING_PORT: String(port),
    QUEUE_SERVING_TLS_PORT: String(port + 1),
    USER_PORT: String(userPort),
    REVISION_TIMEOUT_SECONDS: "300",
    SERVING_LOGGING_CONFIG: "",
    SERVING_LOGGING_LEVEL: "error",
    SERVING_REQUEST_METRICS_BACKEND: "prometheus",
    TRACING_CONFIG_BACKEND: "none",
    SERVING_NAMESPACE: "bench",
    SERVING_CONFIGURATION: "bench",
    SERVING_REVISION: "bench-1",
    SERVING_POD: "bench-pod",
    SERVING_POD_IP: "127.0.0.1",
    ...bunEnvironment,
  };
  const startedMs = performance.now();
  const child = spawn(command[0]!, command.slice(1), { env, stdio: ["ignore", "ignore", "inherit"] });
  while (!(await probe(port))) {
    if (child.exitCode !== null) throw new Error(`${command.join(" ")} ended with ${child.exitCode}`);
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  return { child, pid: child.pid!, startMs: performance.now() - startedMs };
}

function probe(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = net.connect(port, "127.0.0.1", () => {
      socket.write("GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n\r\n");
    });
    socket.on("data", () => {
      socket.destroy();
      resolve(true);
    });
    socket.on("error", () => resolve(false));
  });
}

interface MemoryEntry {
  readonly startMs: number;
  readonly idle: Memory;
  readonly loaded: Memory;
  readonly rested: Memory;
  readonly hugePeak: number;
}

/** Peak RSS in MB of a new process through which 1 GB goes down, then 1 GB up. */
async function hugePeak(command: readonly string[]): Promise<number> {
  port += 2;
  const proxy = await startProxy(command, ports.http1, port);
  await downloadHuge(port, hugeBytes);
  await uploadHuge(port, hugeBytes);
  const { peak } = memory(proxy.pid);
  await stop(proxy.child);
  return peak;
}

async function stop(child: ChildProcess): Promise<void> {
  child.kill("SIGKILL");
  if (child.exitCode === null) await new Promise((resolve) => child.once("exit", resolve));
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low = Number.NaN, high = Number.NaN] = [sorted[(sorted.length - 1) >> 1], sorted[sorted.length >> 1]];
  return (low + high) / 2;
}

const usable = Object.entries(candidates).filter(([, command]) => existsSync(command.at(-1)!));
const present = usable.map(([name]) => name);
if (!present.includes("upstream")) console.log("upstream's binary is missing: no ratios (see the head of this file)");
const container = startOwn("container");
const ports = JSON.parse(await container.nextLine()) as { readonly http1: number; readonly h2c: number };
const generator = startOwn("generator");
const ownCpuSeconds = () => cpuSeconds(container.child.pid!) + cpuSeconds(generator.child.pid!);
const results = new Map<string, Measure[]>();
const memories = new Map<string, MemoryEntry[]>();
const loadBefore = loadavg();
let port = 21_000;
for (let round = 0; round < rounds; round++) {
  for (const [name, command] of usable) {
    for (const protocol of ["http1", "h2c"] as const) {
      const chosen = scenarios.filter((scenario) => (scenario.load.streams !== undefined) === (protocol === "h2c"));
      if (chosen.length === 0) continue;
      port += 2;
      const proxy = await startProxy(command, ports[protocol], port);
      await new Promise((resolve) => setTimeout(resolve, 500));
      const idle = memory(proxy.pid);
      // Unmeasured: code that is compiled while it runs has to be compiled first.
      const warmUp = { connections: 8, path: "/", port, durationMs: warmUpMs };
      await runLoad(protocol === "http1" ? warmUp : { ...warmUp, streams: 4 });
      for (const scenario of chosen) {
        const before = cpuSeconds(proxy.pid);
        const ownBefore = ownCpuSeconds();
        const result = await runLoad({ ...scenario.load, port, durationMs });
        const measure = {
          ...result,
          cpuSeconds: cpuSeconds(proxy.pid) - before,
          ownCpuSeconds: ownCpuSeconds() - ownBefore,
        };
        const key = `${scenario.name}|${name}`;
        results.set(key, [...(results.get(key) ?? []), measure]);
      }
      const loaded = memory(proxy.pid);
      await new Promise((resolve) => setTimeout(resolve, restMs));
      const rested = memory(proxy.pid);
      await stop(proxy.child);
      if (protocol !== "http1") continue;
      const entry = { startMs: proxy.startMs, idle, loaded, rested, hugePeak: await hugePeak(command) };
      memories.set(name, [...(memories.get(name) ?? []), entry]);
    }
  }
}
await stop(generator.child);
await stop(container.child);

const valuesOf = (key: string, pick: (measure: Measure) => number) => (results.get(key) ?? []).map(pick);
const cpuOf = (measure: Measure) => (measure.cpuSeconds / measure.requests) * 100_000;
const ownCpuOf = (measure: Measure) => (measure.ownCpuSeconds / measure.requests) * 100_000;
/** Of the two programs in the same round: the machine has faster and slower minutes. */
const ratio = (values: readonly number[], base: readonly number[]) =>
  base.length === 0 ? "" : ` (${median(values.map((value, round) => value / base[round]!)).toFixed(2)}x)`;
console.log(
  "| case | program | rps | p50 ms | p99 ms | CPU s per 100,000 | of generator, container | failures |\n|---|---|---|---|---|---|---|---|",
);
for (const { name } of scenarios) {
  const base = `${name}|upstream`;
  for (const program of present) {
    const key = `${name}|${program}`;
    const column = (pick: (measure: Measure) => number, digits: number) => {
      const values = valuesOf(key, pick);
      return median(values).toFixed(digits) + (program === "upstream" ? "" : ratio(values, valuesOf(base, pick)));
    };
    const cells = [
      column((measure) => measure.requests / measure.seconds, 0),
      column((measure) => measure.p50, 2),
      column((measure) => measure.p99, 2),
      column(cpuOf, 2),
      median(valuesOf(key, ownCpuOf)).toFixed(2),
      String((results.get(key) ?? []).reduce((sum, measure) => sum + measure.failures, 0)),
    ];
    console.log(`| ${name} | ${program} | ${cells.join(" | ")} |`);
  }
}
console.log(
  `\n| program | start ms | idle RSS / private MB | under load | ${restMs / 1000} s later | peak RSS of 1 GB down, 1 GB up |\n|---|---|---|---|---|---|`,
);
for (const program of present) {
  const entries = memories.get(program) ?? [];
  const number = (pick: (entry: MemoryEntry) => number) => median(entries.map(pick)).toFixed(1);
  const pair = (pick: (entry: MemoryEntry) => Memory) =>
    `${number((entry) => pick(entry).rss)} / ${number((entry) => pick(entry).private)}`;
  const cells = [
    number((entry) => entry.startMs),
    pair((entry) => entry.idle),
    pair((entry) => entry.loaded),
    pair((entry) => entry.rested),
    number((entry) => entry.hugePeak),
  ];
  console.log(`| ${program} | ${cells.join(" | ")} |`);
}
const loads = (values: readonly number[]) => values.map((value) => value.toFixed(1)).join(" ");
console.log(`\nload average (1, 5, 15 min) before ${loads(loadBefore)}, after ${loads(loadavg())}`);
process.exit(0);
