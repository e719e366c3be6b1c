/**
 * Admission side by side: ours, and knative.dev/serving/cmd/webhook v0.42.2 where its binary is given.
 * Build that with: cd bench/upstream && go build -o /tmp/upstream-webhook knative.dev/serving/cmd/webhook
 * Run: node bench/webhook.ts [/tmp/upstream-webhook] [seconds]
 */
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { parseAllDocuments } from "yaml";
import type { ConfigMap } from "../src/apis/core/configmap.ts";
import { createAuthority, issueCertificate } from "../src/lib/x509.ts";
import { createWebhookCaller } from "./webhook/caller.ts";
import { startUpstreamWebhook } from "./webhook/upstream.ts";

const defaultedSpec = {
  template: {
    spec: {
      containerConcurrency: 0,
      enableServiceLinks: false,
      timeoutSeconds: 300,
      responseStartTimeoutSeconds: 300,
      containers: [
        {
          name: "user-container",
          image: "ghcr.io/example/hello",
          env: [{ name: "GREETING", value: "hello" }],
          readinessProbe: { tcpSocket: { port: 0 }, successThreshold: 1 },
          resources: { requests: { cpu: "100m", memory: "128Mi" }, limits: { memory: "256Mi" } },
        },
      ],
    },
  },
  traffic: [{ latestRevision: true, percent: 100 }],
};

const [, , upstreamBinary, seconds = "10"] = process.argv;
await compare(upstreamBinary || undefined, Number(seconds));

async function compare(upstream: string | undefined, seconds: number): Promise<void> {
  const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 6 * 86_400_000 };
  const authority = await createAuthority({ commonName: "bench", ...validity });
  const issued = await issueCertificate(authority, {
    commonName: "webhook",
    dnsNames: ["webhook"],
    usages: ["server"],
    ...validity,
  });

  const program = new URL("webhook/server.ts", import.meta.url);
  const ours = fork(program, [issued.certificate, issued.key, JSON.stringify(configMaps())]);
  const port = await new Promise<number>((resolve) => ours.once("message", (message) => resolve(Number(message))));
  const rows = [{ name: "ours", ...(await measure(ours, port, authority.certificate, seconds)) }];
  ours.kill();

  if (upstream) {
    const started = await startUpstreamWebhook(upstream, configMaps(), { ...issued, authority: authority.certificate });
    rows.push({ name: "upstream", ...(await measure(started.child, started.port, authority.certificate, seconds)) });
    await started.stop();
  }
  console.table(rows);
}

interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly cpuMsPerRequest: number;
  readonly residentMiB: number;
}

/** Sends reviews over 8 connections: defaulting and validation of the same Service in turn. */
async function measure(child: ChildProcess, port: number, ca: string, seconds: number): Promise<Figures> {
  const caller = createWebhookCaller(port, ca, 8);
  const plain = review({ template: { spec: { containers: [{ image: "ghcr.io/example/hello" }] } } });
  await caller.untilAccepted("/defaulting", plain);
  const full = review(defaultedSpec);
  const latencies: number[] = [];
  const load = async (until: number) => {
    for (let turn = 0; performance.now() < until; turn++) {
      const startedAt = performance.now();
      const answer = await (turn % 2 === 0
        ? caller.call("/defaulting", plain)
        : caller.call("/resource-validation", full));
      latencies.push(performance.now() - startedAt);
      if (!JSON.parse(answer).response.allowed) throw new Error(`refused: ${answer}`);
    }
  };
  const loads = (ms: number) => Promise.all(Array.from({ length: 8 }, () => load(performance.now() + ms)));
  await loads(2000);
  latencies.length = 0;
  const cpuBefore = cpuMs(child.pid!);
  await loads(seconds * 1000);
  const cpu = cpuMs(child.pid!) - cpuBefore;
  caller.close();
  latencies.sort((a, b) => a - b);
  const at = (share: number) => Number(latencies[Math.floor(latencies.length * share)]!.toFixed(2));
  return {
    requestsPerSecond: Math.round(latencies.length / seconds),
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    cpuMsPerRequest: Number((cpu / latencies.length).toFixed(3)),
    residentMiB: Math.round(
      Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))![1]) / 1024,
    ),
  };
}

function review(spec: object): Buffer {
  return Buffer.from(
    JSON.stringify({
      apiVersion: "admission.k8s.io/v1",
      kind: "AdmissionReview",
      request: {
        uid: "705ab4f5-6393-11e8-b7cc-42010a800002",
        kind: { group: "serving.knative.dev", version: "v1", kind: "Service" },
        resource: { group: "serving.knative.dev", version: "v1", resource: "services" },
        name: "hello",
        namespace: "default",
        operation: "CREATE",
        userInfo: { username: "alice" },
        object: {
          apiVersion: "serving.knative.dev/v1",
          kind: "Service",
          metadata: { name: "hello", namespace: "default" },
          spec,
        },
      },
    }),
  );
}

/** CPU time that a process has used, user and system. */
function cpuMs(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, "utf8")
    .replace(/^.*\) /s, "")
    .split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** Our own ConfigMaps by name, and those that upstream insists on. Neither side is to log every request. */
function configMaps(): Record<string, Record<string, string>> {
  const text = readFileSync(new URL("../manifests/config.yaml", import.meta.url), "utf8");
  const ours = parseAllDocuments(text).flatMap((document) => {
    const { kind, metadata, data } = (document.toJS() ?? {}) as ConfigMap;
    return kind === "ConfigMap" ? [[metadata.name, data ?? {}] as const] : [];
  });
  return { "config-observability": {}, ...Object.fromEntries(ours), "config-logging": { "loglevel.webhook": "error" } };
}
