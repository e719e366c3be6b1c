import assert from "node:assert/strict";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ContainerStatus, Pod } from "../../apis/core/pod.ts";
import type { Container, PodSpec } from "../../apis/core/pod-spec.ts";
import { ServiceAccount } from "../../apis/core/serviceaccount.ts";
import type { Client } from "../../kube/api.ts";
import { createClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { silentLogger } from "../../lib/log.ts";
import { type ApiServer, startApiServer } from "../api/api-server.ts";
import { type RegistryServer, startRegistry } from "../registry/server.ts";
import { snapshotDirectory } from "../registry/snapshot.ts";
import { openImageStore } from "../registry/store.ts";
import { type NodeAgent, startNodeAgent } from "./agent.ts";
import { containerProcesses } from "./process-table.ts";

const namespace = "default";
const patienceMs = 8000;

/** An API server, a registry with one image, and an agent that runs the pods of the node "n1"; a directory of their own. */
export interface AgentWorld {
  start(): Promise<void>;
  /** Ends them all; no process of a pod may be left. */
  stop(): Promise<void>;
  readonly work: string;
  readonly api: ApiServer;
  readonly registry: RegistryServer;
  readonly client: Client;
  readonly agent: NodeAgent;
  /** A container "main" that runs a shell's script. */
  sh(script: string, more?: Partial<Container>): Container;
  run(name: string, containers: Container[], spec?: Partial<PodSpec>): Promise<void>;
  /** Settles once the pod is as wanted; rejects when it takes too long. */
  until(name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod>;
  /** Settles once all its containers have ended. */
  ended(name: string): Promise<Pod>;
  /** Deletes the pod at once. */
  delete(name: string): Promise<void>;
  gone(name: string): Promise<void>;
}

/** The status of the container "main". */
export function mainOf(pod: Pod): ContainerStatus {
  const none = { name: "main", ready: false, restartCount: 0, image: "", imageID: "" };
  return pod.status?.containerStatuses?.find(({ name }) => name === "main") ?? none;
}

export function createAgentWorld(clock: Clock): AgentWorld {
  let work: string;
  let api: ApiServer;
  let registry: RegistryServer;
  let client: Client;
  let agent: NodeAgent;
  let image: string;
  const stopped = new AbortController();
  const uids = new Set<string>();
  const ours = ({ token }: { token: string }) => uids.has(token.split(".")[1] ?? "");
  const until = async (name: string, what: string, holds: (pod: Pod) => boolean): Promise<Pod> => {
    let pod: Pod | undefined;
    for (const deadline = clock.monotonic() + patienceMs; clock.monotonic() < deadline; await clock.sleep(10)) {
      pod = await client.of(Pod).get({ name, namespace });
      if (holds(pod)) return pod;
    }
    throw new Error(`${name} is not ${what}: ${JSON.stringify(pod?.status, undefined, 1)}`);
  };
  return {
    async start() {
      work = mkdtempSync(join(tmpdir(), "hakn-agent-"));
      const log = silentLogger;
      api = await startApiServer({ dataDir: join(work, "api"), address: "127.0.0.1", port: 0, clock, log });
      client = createClient({ connection: api.loopbackClientConfig, clock });
      await client
        .of(ServiceAccount)
        .create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } });
      const store = await openImageStore(join(work, "registry"));
      registry = await startRegistry({ store, address: "127.0.0.1", port: 0, log });
      const app = join(work, "app");
      mkdirSync(app);
      writeFileSync(join(app, "where"), "#!/bin/sh\necho in the image\n");
      chmodSync(join(app, "where"), 0o755);
      const digest = await snapshotDirectory(app, { registry: registry.host, repository: "app", command: ["./where"] });
      image = `${registry.host}/app@${digest}`;
      agent = await startNodeAgent({
        client,
        dataDir: join(work, "node"),
        nodeName: "n1",
        apiServer: { host: "127.0.0.1", port: api.port },
        loopback: "own",
        lifeline: undefined,
        runtime: process.execPath,
        path: "/usr/bin:/bin",
        version: "test",
        clock,
        log,
        signal: stopped.signal,
        haltGraceMs: 200,
      });
    },
    async stop() {
      stopped.abort();
      await agent.done;
      assert.deepEqual(containerProcesses("hakn-").filter(ours), [], "no process is left");
      client.close();
      await registry.close();
      await api.close();
      rmSync(work, { recursive: true, force: true });
    },
    get work() {
      return work;
    },
    get api() {
      return api;
    },
    get registry() {
      return registry;
    },
    get client() {
      return client;
    },
    get agent() {
      return agent;
    },
    sh: (script, more = {}) => ({ name: "main", image, command: ["/bin/sh", "-c", script], ...more }),
    async run(name, containers, spec = {}) {
      const { metadata } = await client.of(Pod).create({
        apiVersion: "v1",
        kind: "Pod",
        metadata: { name, namespace, labels: { app: name } },
        spec: { nodeName: "n1", automountServiceAccountToken: false, containers, ...spec },
      });
      uids.add(metadata.uid ?? "");
    },
    until,
    ended: (name) => until(name, "over", ({ status }) => status?.phase === "Succeeded" || status?.phase === "Failed"),
    async delete(name) {
      await client.of(Pod).delete({ name, namespace }, { gracePeriodSeconds: 0 });
    },
    async gone(name) {
      for (const deadline = clock.monotonic() + patienceMs; clock.monotonic() < deadline; await clock.sleep(10)) {
        const found = await client
          .of(Pod)
          .get({ name, namespace })
          .catch((error) => {
            if (!isNotFound(error)) throw error;
            return undefined;
          });
        if (!found) return;
      }
      throw new Error(`${name} does not go away`);
    },
  };
}
