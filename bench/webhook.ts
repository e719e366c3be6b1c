/**
 * Admission side by side: ours, and knative.dev/serving/cmd/webhook v0.42.2 where its binary is given.
 * Build that with: cd bench/upstream && go build -o /tmp/upstream-webhook knative.dev/serving/cmd/webhook
 * Run: node bench/webhook.ts [/tmp/upstream-webhook] [seconds]
 */
import { type ChildProcess, fork, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { Agent, request as httpsRequest } from "node:https";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseAllDocuments } from "yaml";
import { ConfigMap } from "../src/apis/core/configmap.ts";
import { Namespace } from "../src/apis/core/namespace.ts";
import { Secret } from "../src/apis/core/secret.ts";
import { startApiServer } from "../src/cluster/api/api-server.ts";
import { createClient } from "../src/kube/client.ts";
import { systemClock } from "../src/lib/clock.ts";
import { silentLogger } from "../src/lib/log.ts";
import { createAuthority, issueCertificate } from "../src/lib/x509.ts";

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
    const dataDir = mkdtempSync(join(tmpdir(), "webhook-bench-"));
    const api = await startApiServer({ dataDir, address: "127.0.0.1", port: 0, clock: systemClock, log: silentLogger });
    const client = createClient({ connection: api.loopbackClientConfig, clock: systemClock, userAgent: "bench" });
    const namespace = "knative-serving";
    await client
      .of(Namespace)
      .create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } } as Namespace);
    for (const [name, data] of Object.entries(configMaps())) {
      await client.of(ConfigMap).create({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name }, data });
    }
    const base64 = (text: string) => Buffer.from(text).toString("base64");
    await client.of(Secret).create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: { namespace, name: "webhook-certs" },
      data: {
        "server-key.pem": base64(issued.key),
        "server-cert.pem": base64(issued.certificate),
        "ca-cert.pem": base64(authority.certificate),
      },
    });
    const kubeconfig = join(dataDir, "kubeconfig");
    writeFileSync(kubeconfig, api.adminKubeconfig, { mode: 0o600 });
    const upstreamPort = await freePort();
    const child = spawn(upstream, [], {
      env: {
        PATH: process.env["PATH"],
        KUBECONFIG: kubeconfig,
        SYSTEM_NAMESPACE: namespace,
        POD_NAME: "webhook-0",
        KUBERNETES_MIN_VERSION: "v1.20.0",
        WEBHOOK_NAME: "webhook",
        WEBHOOK_PORT: String(upstreamPort),
        CONFIG_LOGGING_NAME: "config-logging",
        CONFIG_OBSERVABILITY_NAME: "config-observability",
        METRICS_DOMAIN: "knative.dev/serving",
        METRICS_PROMETHEUS_PORT: String(await freePort()),
      },
      stdio: ["ignore", "ignore", process.env["BENCH_DEBUG"] ? "inherit" : "ignore"],
    });
    rows.push({ name: "upstream", ...(await measure(child, upstreamPort, authority.certificate, seconds)) });
    child.kill();
    client.close();
    await api.close();
    rmSync(dataDir, { recursive: true });
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
  const agent = new Agent({ ca, servername: "webhook", keepAlive: true, maxSockets: 8 });
  const send = (path: string, body: Buffer): Promise<string> =>
    new Promise((resolve, reject) => {
      const headers = { "content-type": "application/json", "content-length": body.length };
      const request = httpsRequest({ host: "127.0.0.1", port, path, method: "POST", headers, agent }, (response) => {
        let text = "";
        response.setEncoding("utf8").on("data", (chunk) => {
          text += chunk;
        });
        response.on("end", () => resolve(text));
      });
      request.on("error", reject);
      request.end(body);
    });
  const plain = review({ template: { spec: { containers: [{ image: "ghcr.io/example/hello" }] } } });
  for (let attempt = 0; ; attempt++) {
    const answer = await send("/defaulting", plain).catch((error: Error) => error);
    if (typeof answer === "string" && JSON.parse(answer).response?.allowed) break;
    if (attempt > 100) throw new Error(`${child.spawnfile} does not answer: ${answer}`);
    await systemClock.sleep(200);
  }
  const full = review(defaultedSpec);
  const latencies: number[] = [];
  const load = async (until: number) => {
    for (let turn = 0; performance.now() < until; turn++) {
      const startedAt = performance.now();
      const answer = turn % 2 === 0 ? await send("/defaulting", plain) : await send("/resource-validation", full);
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
  agent.destroy();
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

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
