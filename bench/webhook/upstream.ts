import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigMap } from "../../src/apis/core/configmap.ts";
import { Namespace } from "../../src/apis/core/namespace.ts";
import { Secret } from "../../src/apis/core/secret.ts";
import { startApiServer } from "../../src/cluster/api/api-server.ts";
import { createClient } from "../../src/kube/client.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";

/** What a webhook shows, PEM, and the authority that clients trust. */
export interface ServedCertificate {
  readonly certificate: string;
  readonly key: string;
  readonly authority: string;
}

export interface UpstreamWebhook {
  readonly child: ChildProcess;
  readonly port: number;
  stop(): Promise<void>;
}

/** Starts knative.dev/serving/cmd/webhook beside an API server that has no more than what it asks for. */
export async function startUpstreamWebhook(
  binary: string,
  configMaps: Readonly<Record<string, Record<string, string>>>,
  { certificate, key, authority }: ServedCertificate,
): Promise<UpstreamWebhook> {
  const dataDir = mkdtempSync(join(tmpdir(), "webhook-bench-"));
  const api = await startApiServer({ dataDir, address: "127.0.0.1", port: 0, clock: systemClock, log: silentLogger });
  const client = createClient({ connection: api.loopbackClientConfig, clock: systemClock, userAgent: "bench" });
  const namespace = "knative-serving";
  await client
    .of(Namespace)
    .create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace } } as Namespace);
  for (const [name, data] of Object.entries(configMaps)) {
    await client.of(ConfigMap).create({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace, name }, data });
  }
  const base64 = (text: string) => Buffer.from(text).toString("base64");
  await client.of(Secret).create({
    apiVersion: "v1",
    kind: "Secret",
    metadata: { namespace, name: "webhook-certs" },
    data: {
      "server-key.pem": base64(key),
      "server-cert.pem": base64(certificate),
      "ca-cert.pem": base64(authority),
    },
  });
  const kubeconfig = join(dataDir, "kubeconfig");
  writeFileSync(kubeconfig, api.adminKubeconfig, { mode: 0o600 });
  const port = await freePort();
  const child = spawn(binary, [], {
    env: {
      PATH: process.env["PATH"],
      KUBECONFIG: kubeconfig,
      SYSTEM_NAMESPACE: namespace,
      POD_NAME: "webhook-0",
      KUBERNETES_MIN_VERSION: "v1.20.0",
      WEBHOOK_NAME: "webhook",
      WEBHOOK_PORT: String(port),
      CONFIG_LOGGING_NAME: "config-logging",
      CONFIG_OBSERVABILITY_NAME: "config-observability",
      METRICS_DOMAIN: "knative.dev/serving",
      METRICS_PROMETHEUS_PORT: String(await freePort()),
    },
    stdio: ["ignore", "ignore", process.env["BENCH_DEBUG"] ? "inherit" : "ignore"],
  });
  return {
    child,
    port,
    async stop() {
      child.kill();
      client.close();
      await api.close();
      rmSync(dataDir, { recursive: true });
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
