import { fork } from "node:child_process";
import http from "node:http";
import type { AddressInfo } from "node:net";
import { Pod } from "../src/apis/core/pod.ts";
import { createClient } from "../src/kube/client.ts";
import { createInformers } from "../src/kube/informer.ts";
import { systemClock } from "../src/lib/clock.ts";
import { silentLogger } from "../src/lib/log.ts";

// What the Kubernetes library costs: a list of pods, a stream of watch events, and the memory of a cache.
// The server is a process of its own, so that only the client is measured. Run: node --expose-gc bench/kube.ts

const pods = 2000;
const events = 10_000;

const makePod = (n: number, version: number): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name: `hello-00001-deployment-7d9c5b8f6d-${n}`,
    namespace: `team-${n % 20}`,
    uid: `8a6e0804-2bd0-4672-b79d-${n}`,
    resourceVersion: String(version),
    creationTimestamp: "2024-01-01T00:00:00Z",
    labels: Object.fromEntries(
      ["app", "configuration", "configurationGeneration", "revision", "revisionUID", "service", "serviceUID"].map(
        (key) => [`serving.knative.dev/${key}`, `hello-00001-${key}`],
      ),
    ),
    annotations: { "serving.knative.dev/creator": "kubernetes-admin", "autoscaling.knative.dev/min-scale": "1" },
    ownerReferences: [
      {
        apiVersion: "apps/v1",
        kind: "ReplicaSet",
        name: "hello-00001-deployment-7d9c5b8f6d",
        uid: "u",
        controller: true,
      },
    ],
    managedFields: Array.from({ length: 2 }, () => ({
      manager: "kube-controller-manager",
      operation: "Update" as const,
      apiVersion: "v1",
      fieldsType: "FieldsV1" as const,
      fieldsV1: Object.fromEntries(
        Array.from({ length: 40 }, (_, at) => [`f:field-${at}`, { "f:value": {}, ".": {} }]),
      ),
    })),
  },
  spec: {
    containers: ["user-container", "queue-proxy"].map((name) => ({
      name,
      image: `registry.example.com/${name}@sha256:4f5b0f9c8f2f5d6a1f0b3c9d8e7f6a5b4c3d2e1f0a9b8c7d6e5f4a3b2c1d0e9f`,
      env: Array.from({ length: name === "queue-proxy" ? 40 : 6 }, (_, at) => ({
        name: `VARIABLE_${at}`,
        value: `value-${at}`,
      })),
      ports: [{ name: "http1", containerPort: 8080, protocol: "TCP" as const }],
    })),
  },
  status: {
    phase: "Running",
    podIP: `10.0.${n >> 8}.${n & 255}`,
    conditions: ["Initialized", "Ready", "ContainersReady", "PodScheduled"].map((type) => ({
      type,
      status: "True" as const,
      lastTransitionTime: "2024-01-01T00:00:00Z",
    })),
  },
});

function serve(): void {
  const items = Array.from({ length: pods }, (_, n) => makePod(n, n + 1));
  const server = http.createServer((request, response) => {
    const url = new URL(request.url!, "http://server");
    if (url.searchParams.get("watch") !== "true") {
      const start = Number(url.searchParams.get("continue") ?? 0);
      const end = Math.min(pods, start + Number(url.searchParams.get("limit") ?? pods));
      const metadata = { resourceVersion: String(pods), ...(end < pods && { continue: String(end) }) };
      response.end(JSON.stringify({ apiVersion: "v1", kind: "PodList", metadata, items: items.slice(start, end) }));
      return;
    }
    response.flushHeaders();
    process.once("message", async () => {
      for (let n = 0; n < events; n++) {
        const event = { type: "MODIFIED", object: makePod(n % pods, pods + n + 1) };
        if (!response.write(`${JSON.stringify(event)}\n`))
          await new Promise((resolve) => response.once("drain", resolve));
      }
    });
  });
  server.listen(0, "127.0.0.1", () => process.send!((server.address() as AddressInfo).port));
}

async function measure(): Promise<void> {
  const child = fork(import.meta.filename, ["serve"]);
  const port = await new Promise((resolve) => child.once("message", resolve));
  const stopping = new AbortController();
  const client = createClient({ connection: { server: `http://127.0.0.1:${port}` }, clock: systemClock });
  const report = (what: string, value: number, unit: string) =>
    console.log(`${what.padEnd(44)} ${value.toFixed(1)} ${unit}`);
  const memory = () => {
    globalThis.gc?.();
    return process.memoryUsage();
  };
  const cpuOf = async (run: () => Promise<unknown>) => {
    const before = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  };

  report("RSS after start", memory().rss / 2 ** 20, "MiB");
  await client.of(Pod).list({ limit: 10 });
  const lists: number[] = [];
  for (let n = 0; n < 7; n++) lists.push(await cpuOf(() => client.of(Pod).list()));
  report(`CPU of a list of ${pods} pods, median of 7`, lists.sort((a, b) => a - b)[3]!, "ms");

  const heapBefore = memory().heapUsed;
  const informers = createInformers({ client, clock: systemClock, log: silentLogger, signal: stopping.signal });
  const informer = informers.of(Pod);
  informer.addIndex("revision", (pod) => [pod.metadata.labels?.["serving.knative.dev/revision"] ?? ""]);
  report("CPU until the informer is synced (4 pages)", await cpuOf(() => informer.synced), "ms");
  report("heap for its cache", (memory().heapUsed - heapBefore) / 2 ** 20, "MiB");

  let seen = 0;
  const all = new Promise<void>((resolve) => {
    informer.onChange(({ type }) => {
      if (type === "updated" && ++seen === events) resolve();
    });
  });
  const cpu = await cpuOf(() => {
    child.send("go");
    return all;
  });
  report(`CPU of ${events} watch events`, cpu, "ms");
  report("RSS after all that", memory().rss / 2 ** 20, "MiB");
  stopping.abort();
  await informers.done();
  client.close();
  child.kill();
}

if (process.argv[2] === "serve") serve();
else await measure();
