/**
 * What scraping and deciding costs: ours, and knative.dev/serving/cmd/autoscaler v0.42.2, one after the other, on the same
 * embedded API server and the same simulated pods. Linux only: CPU and memory are read from /proc.
 *   cd bench/upstream && go build -o autoscaler knative.dev/serving/cmd/autoscaler
 *   npm run build && npm run bench -- autoscaler [--revisions 1000] [--pods 10] [--seconds 30] [--settle 20] [--rounds 1]
 * Ports 8080, 8008 and 9090 must be free. Takes about five minutes, half of it to make the pods.
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { createClient } from "../src/kube/client.ts";
import type { Connection } from "../src/kube/credentials.ts";
import { systemClock } from "../src/lib/clock.ts";
import { busyNode } from "../src/main/runtime.ts";
import { makeWorld } from "./autoscaler/world.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const { values: options } = parseArgs({
  options: {
    revisions: { type: "string", default: "1000" },
    pods: { type: "string", default: "10" },
    seconds: { type: "string", default: "30" },
    settle: { type: "string", default: "20" },
    rounds: { type: "string", default: "1" },
    only: { type: "string", default: "" },
    upstream: { type: "string", default: join(root, "bench/upstream/autoscaler") },
    log: { type: "string", default: "" },
  },
});
const world = { revisions: Number(options.revisions), pods: Number(options.pods) };
const seconds = Number(options.seconds);
const settleMs = Number(options.settle) * 1000;
/** Seven tenths of a pod's container concurrency is what the autoscaler aims at: with a little less it stays. */
const concurrency = 65;
const ticksPerSecond = 100;

interface Candidate {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

interface Figures {
  readonly program: string;
  readonly cpuPercent: number;
  readonly rssMB: number;
  readonly privateMB: number;
  readonly scrapesPerSecond: number;
  readonly newConnectionsPerSecond: number;
  /** How far the time from one scrape of a revision to its next is from a second. */
  readonly latenessP50Ms: number;
  readonly latenessP99Ms: number;
}

interface PodsReport {
  readonly answered: number;
  readonly connections: number;
  readonly intervals: readonly number[];
}

const candidates: Readonly<Record<string, Candidate>> = {
  ours: {
    command: [
      ...busyNode,
      ...(process.env["PROF"] ? ["--cpu-prof", "--cpu-prof-dir=/tmp/prof"] : []),
      join(root, "dist/bin/autoscaler"),
    ],
    env: { HAKN_BIND_ADDRESS: "127.0.0.1", POD_IP: "127.0.0.1" },
  },
  upstream: {
    command: [options.upstream],
    env: { POD_IP: "127.0.0.1", KUBERNETES_MIN_VERSION: "v1.20.0" },
  },
};
const chosen = Object.entries(candidates).filter(
  ([name, { command }]) => name.includes(options.only) && existsSync(command.at(-1)!),
);
if (!chosen.some(([name]) => name === "upstream"))
  console.log("upstream's program is not there or not wanted: see the head of this file");

const directory = mkdtempSync(join(tmpdir(), "hakn-bench-autoscaler-"));
const children: ChildProcess[] = [];
const end = () => {
  for (const child of children) child.kill(process.env["PROF"] ? "SIGTERM" : "SIGKILL");
  rmSync(directory, { recursive: true, force: true });
};
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  process.once(signal, () => {
    end();
    process.exit(1);
  });
}
try {
  const api = fork(fileURLToPath(new URL("autoscaler/api.ts", import.meta.url)), [join(directory, "api")]);
  children.push(api);
  const { kubeconfig, connection } = (await message(api)) as { kubeconfig: string; connection: Connection };
  const kubeconfigFile = join(directory, "kubeconfig");
  writeFileSync(kubeconfigFile, kubeconfig, { mode: 0o600 });
  const client = createClient({ connection, clock: systemClock, userAgent: "bench" });
  const begun = performance.now();
  await makeWorld(client, root, world);
  client.close();
  console.log(
    `${world.revisions} revisions with ${world.pods} pods each, made in ${((performance.now() - begun) / 1000).toFixed(0)} s`,
  );
  const pods = fork(fileURLToPath(new URL("autoscaler/pods.ts", import.meta.url)), [
    String(concurrency),
    String(world.pods),
  ]);
  children.push(pods);
  await message(pods);

  const rows: Figures[] = [];
  for (let round = 0; round < Number(options.rounds); round++) {
    for (const [name, candidate] of chosen) rows.push(await measure(name, candidate, kubeconfigFile, pods));
  }
  print(rows);
} finally {
  end();
}

async function measure(name: string, candidate: Candidate, kubeconfig: string, pods: ChildProcess): Promise<Figures> {
  const log = options.log ? openSync(`${options.log}-${name}`, "a") : "ignore";
  const child = spawn(candidate.command[0]!, candidate.command.slice(1), {
    env: {
      PATH: process.env["PATH"],
      KUBECONFIG: kubeconfig,
      SYSTEM_NAMESPACE: "knative-serving",
      POD_NAME: "controlplane-0",
      CONFIG_LOGGING_NAME: "config-logging",
      CONFIG_OBSERVABILITY_NAME: "config-observability",
      METRICS_DOMAIN: "knative.dev/serving",
      STATEFUL_CONTROLLER_ORDINAL: "controlplane-0",
      STATEFUL_SERVICE_NAME: "autoscaler",
      ...candidate.env,
    },
    stdio: ["ignore", log, log],
  });
  children.push(child);
  const ended = new Promise<never>((_, reject) => {
    child.once("exit", (code) => reject(new Error(`${name} ended with ${code}: see its log (--log FILE)`)));
  });
  ended.catch(() => {});
  const expected =
    world.revisions * (world.pods <= 3 ? world.pods : Math.ceil((world.pods * 15.3664) / (world.pods + 14.3664)));
  // It may be at work on the API server for long before everything is scraped.
  for (let waited = 0; waited < 180; waited++) {
    await report(pods);
    await Promise.race([systemClock.sleep(1000), ended]);
    if ((await report(pods)).answered > 0.9 * expected) break;
  }
  await Promise.race([systemClock.sleep(settleMs), ended]);

  await report(pods);
  const cpuBefore = cpuSeconds(child.pid!);
  const begunAt = performance.now();
  await Promise.race([systemClock.sleep(seconds * 1000), ended]);
  const measuredSeconds = (performance.now() - begunAt) / 1000;
  const cpu = cpuSeconds(child.pid!) - cpuBefore;
  const { answered, connections, intervals } = await report(pods);
  const memory = memoryOf(child.pid!);
  const lateness = intervals.map((ms) => Math.abs(ms - 1000)).sort((a, b) => a - b);
  const gone = new Promise((resolve) => child.once("exit", resolve));
  child.kill(process.env["PROF"] ? "SIGTERM" : "SIGKILL");
  await gone;
  return {
    program: name,
    cpuPercent: (100 * cpu) / measuredSeconds,
    rssMB: memory.rss,
    privateMB: memory.private,
    scrapesPerSecond: answered / measuredSeconds,
    newConnectionsPerSecond: connections / measuredSeconds,
    latenessP50Ms: lateness[Math.floor(lateness.length * 0.5)] ?? Number.NaN,
    latenessP99Ms: lateness[Math.floor(lateness.length * 0.99)] ?? Number.NaN,
  };
}

function print(rows: readonly Figures[]): void {
  console.log(
    "| program | CPU, % of a core | RSS MB | private MB | scrapes/s | new connections/s | lateness p50, p99 ms |\n|---|---|---|---|---|---|---|",
  );
  for (const row of rows) {
    const { latenessP50Ms, latenessP99Ms } = row;
    const cells = [
      row.program,
      row.cpuPercent.toFixed(1),
      row.rssMB.toFixed(0),
      row.privateMB.toFixed(0),
      row.scrapesPerSecond.toFixed(0),
      row.newConnectionsPerSecond.toFixed(0),
      `${latenessP50Ms.toFixed(1)}, ${latenessP99Ms.toFixed(1)}`,
    ];
    console.log(`| ${cells.join(" | ")} |`);
  }
}

/** What the pods saw since the last report. */
function report(pods: ChildProcess): Promise<PodsReport> {
  pods.send("report");
  return message(pods) as Promise<PodsReport>;
}

function message(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const ended = (code: number | null) => reject(new Error(`${child.spawnfile} ended with ${code}`));
    child.once("exit", ended);
    child.once("message", (told) => {
      child.off("exit", ended);
      resolve(told);
    });
  });
}

function cpuSeconds(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function memoryOf(pid: number): { rss: number; private: number } {
  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const field = (name: string) => Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)![1]) / 1024;
  return { rss: field("VmRSS"), private: field("RssAnon") };
}
