/**
 * How fast, and at what cost for the API server, Services become Ready: 1, 10, 100, 500 created at once, then an update
 * of 100. The control plane runs as its programs do (dist/bin, after `npm run build`), with admission over TLS; nodes,
 * gateway and registry are simulated, so that nothing but the control plane and the API server is measured.
 *
 *   npm run bench -- services [--sizes 1,10,100,500] [--update 100] [--requests] [--audit-log FILE] [--data DIR]
 *
 * Without KUBECONFIG the embedded API server is used. A real one needs --enable-aggregator-routing=true, an audit log at
 * level Metadata whose file is given by --audit-log (else requests are not counted), a controller-manager with a high
 * --kube-api-qps and without node-lifecycle-controller, and, because Kubernetes refuses loopback addresses for pods:
 *   ip route add local 10.78.0.0/16 dev lo
 * --requests lists what was asked for, and for 1 Service in which order. Linux only: CPU and memory come from /proc.
 */
import { fork } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { conditionOf, isTrue } from "../src/apis/conditions.ts";
import { KnativeService } from "../src/apis/serving/service.ts";
import type { Client, Informers } from "../src/kube/api.ts";
import { createClient } from "../src/kube/client.ts";
import type { Connection } from "../src/kube/credentials.ts";
import { createInformers } from "../src/kube/informer.ts";
import { loadKubeconfig } from "../src/kube/kubeconfig.ts";
import { systemClock } from "../src/lib/clock.ts";
import { silentLogger } from "../src/lib/log.ts";
import { busyNode } from "../src/main/runtime.ts";
import { startStand } from "./services/gateway.ts";
import { install, systemNamespace } from "./services/install.ts";
import { startKubelet } from "./services/kubelet.ts";
import { type Program, startProgram } from "./services/programs.ts";
import { type AuditEvent, countRequests, describeRequest, followAuditLog, programOf } from "./services/requests.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const namespace = "bench";
/** The user agents of the programs under measurement. */
const measured = new Set(["hakn-serving", "autoscaler"]);
/** After the last Service is Ready some writes are still on their way. */
const settleMs = 3000;
const patienceMs = 600_000;

const { values } = parseArgs({
  options: {
    sizes: { type: "string", default: "1,10,100,500" },
    update: { type: "string", default: "100" },
    requests: { type: "boolean", default: false },
    "audit-log": { type: "string" },
    data: { type: "string" },
  },
});

const directory = values.data ?? mkdtempSync(join(tmpdir(), "hakn-bench-"));
mkdirSync(directory, { recursive: true });
const ending = new AbortController();
const failure = new Promise<never>((_, reject) => {
  ending.signal.addEventListener("abort", () => reject(ending.signal.reason));
});
failure.catch(() => {});
const closing: (() => unknown)[] = [];
try {
  await Promise.race([run(), failure]);
} finally {
  ending.abort(new Error("the bench is over"));
  for (const close of closing.toReversed()) await close();
  if (!values.data) rmSync(directory, { recursive: true });
}

async function run(): Promise<void> {
  const isEmbedded = !process.env["KUBECONFIG"];
  const network = isEmbedded ? "127.78" : "10.78";
  const auditLog = isEmbedded ? join(directory, "audit.log") : values["audit-log"];
  const kubeconfig = process.env["KUBECONFIG"] ?? (await startEmbedded(auditLog!));
  const connection = await loadKubeconfig(kubeconfig);
  const client = createClient({ connection, clock: systemClock, userAgent: "bench" });
  closing.push(() => client.close());
  const informers = createInformers({ client, clock: systemClock, log: silentLogger, signal: ending.signal });

  const stand = await startStand(informers, `${network}.0.2`);
  closing.push(() => stand.close());
  await install(client, {
    controlPlane: `${network}.0.1`,
    gateway: { address: `${network}.0.2`, port: stand.gatewayPort },
  });
  const addressOf = (index: number) => `${network}.${1 + (index >> 8)}.${index & 255}`;
  await startKubelet(client, informers, addressOf, isEmbedded, ending.signal);
  const programs = await startControlPlane(client, connection, `${network}.0.1`);
  const image = `127.0.0.1:${stand.registryPort}/hello:v1`;
  await admission(client, image);
  await informers.synced();

  const audit = auditLog === undefined ? undefined : followAuditLog(auditLog);
  if (!audit) console.log("requests are not counted: no --audit-log");
  const measure = async (what: string, count: number, act: (index: number) => Promise<unknown>, names: string[]) => {
    const cpu = programs.map((program) => program.cpuSeconds());
    audit?.read();
    const times = await timesToReady(informers, names, act);
    await systemClock.sleep(settleMs);
    const events = audit?.read() ?? [];
    report(
      what,
      count,
      times,
      events,
      programs,
      programs.map((program, at) => program.cpuSeconds() - cpu[at]!),
    );
  };

  let last: string[] = [];
  for (const size of values.sizes.split(",").map(Number)) {
    last = Array.from({ length: size }, (_, index) => `s${size}-${index}`);
    await measure(
      `create ${size}`,
      size,
      (index) => client.of(KnativeService).create(makeService(last[index]!, image, "one")),
      last,
    );
  }
  const updated = last.slice(0, Number(values.update));
  if (updated.length > 0) {
    const spec = makeService("", image, "two").spec;
    const patch = (index: number) =>
      client.of(KnativeService).patch({ name: updated[index]!, namespace }, { type: "merge", body: { spec } });
    await measure(`update ${updated.length}`, updated.length, patch, updated);
  }
  audit?.close();
}

function startEmbedded(auditLog: string): Promise<string> {
  writeFileSync(auditLog, "");
  const env = { ...process.env, HAKN_DATA_DIR: directory, HAKN_API_PORT: "0", AUDIT_LOG: auditLog };
  const child = fork(join(root, "bench/services/api-server.ts"), { env });
  closing.push(() => child.kill("SIGKILL"));
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the API server ended with code ${code}`)));
    child.once("message", () => resolve(join(directory, "kubeconfig")));
  });
}

/** Starts our programs as their ServiceAccount, so that a missing permission shows. */
async function startControlPlane(client: Client, connection: Connection, address: string): Promise<Program[]> {
  const path = `/api/v1/namespaces/${systemNamespace}/serviceaccounts/controlplane/token`;
  const request = { apiVersion: "authentication.k8s.io/v1", kind: "TokenRequest", spec: { expirationSeconds: 7200 } };
  const { status } = (await client.raw("POST", path, request)) as { status: { token: string } };
  const kubeconfig = join(directory, "controlplane.kubeconfig");
  const cluster = { server: connection.server, "certificate-authority-data": base64(connection.ca ?? "") };
  const config = {
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "c", cluster }],
    users: [{ name: "u", user: { token: status.token } }],
    contexts: [{ name: "x", context: { cluster: "c", user: "u" } }],
    "current-context": "x",
  };
  writeFileSync(kubeconfig, JSON.stringify(config), { mode: 0o600 });
  return ["controlplane", "autoscaler"].map((name) => {
    const env = {
      KUBECONFIG: kubeconfig,
      POD_NAME: "controlplane-0",
      POD_IP: address,
      HAKN_BIND_ADDRESS: address,
      SYSTEM_NAMESPACE: systemNamespace,
      METRICS_PROMETHEUS_PORT: "0",
      PEER_PORT: "0",
    };
    const command = [...busyNode, join(root, "dist/bin", name)] as const;
    const fail = (error: Error) => ending.abort(error);
    const program = startProgram(name, command, env, join(directory, `${name}.log`), fail);
    closing.push(() => program.stop());
    return program;
  });
}

/** Waits until the webhooks let a Service through, with defaults filled in. */
async function admission(client: Client, image: string): Promise<void> {
  for (;;) {
    const tried = await client
      .of(KnativeService)
      .create(makeService("trial", image, "one"), { dryRun: true })
      .catch(() => undefined);
    if (tried?.metadata.annotations?.["serving.knative.dev/creator"]) return;
    await systemClock.sleep(100, ending.signal);
  }
}

function makeService(name: string, image: string, target: string): KnativeService {
  const containers = [{ name: "user-container", image, env: [{ name: "TARGET", value: target }] }];
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: { name, namespace },
    spec: { template: { spec: { containers } } },
  };
}

/** Acts on all at once; resolves with how long each took, from the first call on, until its newest generation was Ready. */
async function timesToReady(
  informers: Informers,
  names: readonly string[],
  act: (index: number) => Promise<unknown>,
): Promise<number[]> {
  const startedAt = performance.now();
  const generations = new Map<string, number>();
  const times = new Map<string, number>();
  const services = informers.of(KnativeService);
  const look = (name: string) => {
    const generation = generations.get(name);
    const service = services.get({ name, namespace });
    if (generation === undefined || times.has(name) || service?.status?.observedGeneration !== generation) return;
    if (isTrue(conditionOf(service, "Ready"))) times.set(name, performance.now() - startedAt);
    if (times.size === names.length) done();
  };
  let done = () => {};
  const all = new Promise<void>((resolve) => {
    done = resolve;
  });
  const stop = services.onChange(({ object }) => look(object.metadata.name));
  await Promise.all(
    names.map(async (name, index) => {
      const { metadata } = (await act(index)) as KnativeService;
      generations.set(name, metadata.generation ?? 1);
      look(name);
    }),
  );
  await Promise.race([all, systemClock.sleep(patienceMs, ending.signal)]);
  stop();
  if (times.size < names.length) console.log(`${names.length - times.size} did not become Ready`);
  return [...times.values()].sort((a, b) => a - b);
}

function report(
  what: string,
  count: number,
  times: readonly number[],
  events: readonly AuditEvent[],
  programs: readonly Program[],
  cpuSeconds: readonly number[],
): void {
  const seconds = (share: number) => ((times[Math.ceil(times.length * share) - 1] ?? Number.NaN) / 1000).toFixed(2);
  const requests = countRequests(events, measured);
  const total = requests.reduce((sum, [, number]) => sum + number, 0);
  const cpu = cpuSeconds.reduce((sum, value) => sum + value, 0);
  const peaks = programs.map((program) => Math.round(program.peakMiB()));
  console.log(
    `${what}: Ready after p50 ${seconds(0.5)} s, p95 ${seconds(0.95)} s, all ${seconds(1)} s; ` +
      `${(total / count).toFixed(1)} requests each; ${(cpu / count).toFixed(3)} CPU-seconds each ` +
      `(${programs.map(({ name }, at) => `${name} ${cpuSeconds[at]!.toFixed(1)}`).join(" + ")}); ` +
      `peak RSS ${peaks.reduce((sum, value) => sum + value, 0)} MiB (${peaks.join(" + ")})`,
  );
  if (!values.requests) return;
  for (const [request, number] of requests) console.log(`  ${(number / count).toFixed(2).padStart(6)}  ${request}`);
  if (count === 1) showTimeline(events);
}

function showTimeline(events: readonly AuditEvent[]): void {
  const ours = events.filter(({ objectRef, verb }) => objectRef?.namespace === namespace && verb !== "watch");
  const start = Date.parse(ours[0]?.requestReceivedTimestamp ?? "");
  for (const event of ours) {
    const at = Date.parse(event.requestReceivedTimestamp) - start;
    const took = Date.parse(event.stageTimestamp) - Date.parse(event.requestReceivedTimestamp);
    const what = `${describeRequest(event)} ${event.objectRef?.name ?? ""}`;
    console.log(`  ${String(at).padStart(6)} ms +${String(took).padStart(4)}  ${programOf(event).padEnd(16)} ${what}`);
  }
}

function base64(text: string): string {
  return Buffer.from(text).toString("base64");
}
