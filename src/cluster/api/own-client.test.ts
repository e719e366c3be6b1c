import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { ConfigMap } from "../../apis/core/configmap.ts";
import { Namespace } from "../../apis/core/namespace.ts";
import { Pod } from "../../apis/core/pod.ts";
import { Service } from "../../apis/core/service.ts";
import type { Client, WatchEvent } from "../../kube/api.ts";
import { createClient } from "../../kube/client.ts";
import { ApiError } from "../../kube/errors.ts";
import { systemClock as clock } from "../../lib/clock.ts";
import { silentLogger } from "../../lib/log.ts";
import { type ApiServer, startApiServer } from "./api-server.ts";

const namespace = "ns";
const map = (name: string, data: Record<string, string>, labels: Record<string, string> = {}): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name, namespace, labels },
  data,
});
const pod = (name: string): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, namespace, annotations: { "kubernetes.io/config.mirror": "x" } },
  spec: { containers: [{ name: "a", image: "b" }] },
});

/** What each makes of a fresh server: the answers, in order, and a failure instead of one where there is one. */
const steps: readonly [string, (client: Client) => Promise<unknown>][] = [
  ["creates", (client) => client.of(ConfigMap).create(map("a", { k: "1" }, { app: "x" }))],
  ["creates what is there", (client) => client.of(ConfigMap).create(map("a", {}))],
  [
    "creates for a name of the server's",
    (client) =>
      client.of(ConfigMap).create({ ...map("", {}), metadata: { name: "", generateName: "made-", namespace } }),
  ],
  ["does not create on trial", (client) => client.of(ConfigMap).create(map("trial", {}), { dryRun: true })],
  [
    "creates with a field that is undefined",
    (client) =>
      client.of(Service).create({
        apiVersion: "v1",
        kind: "Service",
        metadata: { name: "s", namespace, labels: undefined as never },
        spec: { clusterIP: "10.96.7.7", ports: [{ port: 80 }], selector: undefined as never },
      }),
  ],
  ["creates what is not valid", (client) => client.of(ConfigMap).create(map("A B", {}))],
  [
    "creates where nothing is",
    (client) => client.of(ConfigMap).create({ ...map("a", {}), metadata: { name: "a", namespace: "nowhere" } }),
  ],
  ["gets", (client) => client.of(ConfigMap).get({ name: "a", namespace })],
  ["gets what is not there", (client) => client.of(ConfigMap).get({ name: "none", namespace })],
  ["updates", (client) => client.of(ConfigMap).update(map("a", { k: "2" }, { app: "x" }))],
  [
    "updates what has changed since",
    (client) => {
      const { metadata, ...rest } = map("a", {});
      return client.of(ConfigMap).update({ ...rest, metadata: { ...metadata, resourceVersion: "1" } });
    },
  ],
  [
    "patches",
    (client) =>
      client.of(ConfigMap).patch({ name: "a", namespace }, { type: "merge", body: { data: { k: null, l: "3" } } }),
  ],
  [
    "applies",
    (client) =>
      client
        .of(ConfigMap)
        .patch(
          { name: "applied", namespace },
          { type: "apply", body: { apiVersion: "v1", kind: "ConfigMap", metadata: {}, data: { k: "1" } } },
        ),
  ],
  [
    "applies what somebody else owns",
    (client) =>
      client
        .of(ConfigMap)
        .patch(
          { name: "applied", namespace },
          { type: "apply", body: { apiVersion: "v1", kind: "ConfigMap", data: { k: "2" } } },
          { fieldManager: "other" },
        ),
  ],
  [
    "forces it",
    (client) =>
      client
        .of(ConfigMap)
        .patch(
          { name: "applied", namespace },
          { type: "apply", body: { apiVersion: "v1", kind: "ConfigMap", data: { k: "2" } }, force: true },
          { fieldManager: "other" },
        ),
  ],
  [
    "writes a status",
    async (client) => {
      const created = await client.of(Pod).create(pod("p"));
      return client.of(Pod).updateStatus({ ...created, status: { phase: "Running" } });
    },
  ],
  [
    "binds",
    async (client) => {
      const target = { apiVersion: "v1", kind: "Node", name: "n" };
      const binding = { apiVersion: "v1", kind: "Binding", metadata: { name: "p", namespace }, target };
      const answer = await client.raw("POST", `/api/v1/namespaces/${namespace}/pods/p/binding`, binding);
      return [answer, await client.of(Pod).get({ name: "p", namespace })];
    },
  ],
  ["asks for a way that does not exist", (client) => client.raw("GET", "/apis/apps/v1/nothings")],
  ["discovers", (client) => client.raw("GET", "/apis/apps/v1")],
  ["lists by label", (client) => client.of(ConfigMap).list({ namespace, labelSelector: "app=x" })],
  [
    "lists a page",
    async (client) => {
      const page = await client.of(ConfigMap).list({ namespace, limit: 1 });
      const next = await client.of(ConfigMap).list({ namespace, limit: 1, continue: page.metadata.continue! });
      return [page.items, next.items];
    },
  ],
  [
    "deletes another of that name",
    (client) => client.of(ConfigMap).delete({ name: "a", namespace }, { preconditions: { uid: "other" } }),
  ],
  ["deletes", (client) => client.of(ConfigMap).delete({ name: "a", namespace })],
  ["deletes what is not there", (client) => client.of(ConfigMap).delete({ name: "a", namespace })],
  [
    "deletes many",
    async (client) => {
      await client.of(ConfigMap).deleteCollection({ namespace });
      return (await client.of(ConfigMap).list({ namespace })).items;
    },
  ],
];

/** What the two cannot have in common. */
const ignored = new Set(["uid", "resourceVersion", "creationTimestamp", "time", "lastTransitionTime", "continue"]);
const comparable = (answer: unknown): unknown =>
  JSON.parse(
    JSON.stringify(answer ?? null, (key, value) => {
      if (ignored.has(key)) return undefined;
      return typeof value === "string"
        ? value.replace(/^made-.*/, "made").replace(/[\da-f]{8}-[\da-f-]{27}/g, "uid")
        : value;
    }),
  );

describe("the client of the API server's own process", () => {
  const servers: { readonly api: ApiServer; readonly work: string }[] = [];
  let overHttp: Client;
  let own: Client;

  before(async () => {
    for (const _ of ["over HTTP", "own"]) {
      const work = mkdtempSync(join(tmpdir(), "hakn-own-client-"));
      const api = await startApiServer({ dataDir: work, address: "127.0.0.1", port: 0, clock, log: silentLogger });
      servers.push({ api, work });
    }
    overHttp = createClient({ connection: servers[0]!.api.loopbackClientConfig, clock, userAgent: "someone" });
    own = servers[1]!.api.ownClient("someone");
    for (const client of [overHttp, own]) {
      await client
        .of(Namespace)
        .create({ apiVersion: "v1", kind: "Namespace", metadata: { name: namespace }, spec: {} });
    }
  });
  after(async () => {
    overHttp.close();
    own.close();
    for (const { api, work } of servers) {
      await api.close();
      rmSync(work, { recursive: true });
    }
  });

  for (const [name, step] of steps) {
    test(`${name}, as over HTTP`, async () => {
      const outcome = async (client: Client) => {
        try {
          return comparable(await step(client));
        } catch (error) {
          assert.ok(error instanceof ApiError, String(error));
          return { refused: comparable(error.status) };
        }
      };
      assert.deepEqual(await outcome(own), await outcome(overHttp));
    });
  }

  test("a watch tells what was since a version and what comes, of what is selected, until it is ended", async () => {
    const maps = own.of(ConfigMap);
    const ending = new AbortController();
    const { metadata } = await maps.list({ namespace });
    await maps.create(map("before", {}, { app: "x" }));
    const events: WatchEvent<ConfigMap>[] = [];
    const { promise, resolve } = Promise.withResolvers<void>();
    const options = {
      namespace,
      labelSelector: "app=x",
      resourceVersion: metadata.resourceVersion,
      signal: ending.signal,
    };
    const watching = maps.watch(options, (event) => {
      events.push(event);
      if (event.type === "DELETED") resolve();
    });
    await maps.create(map("other", {}));
    await maps.update(map("before", { k: "1" }, { app: "x" }));
    await maps.update(map("before", { k: "1" }, { app: "y" }));
    await promise;
    ending.abort(new Error("enough"));
    await assert.rejects(watching, /enough/);
    await maps.create(map("late", {}, { app: "x" }));
    const seen = events.map(({ type, object }) => `${type} ${(object as ConfigMap).metadata.name}`);
    assert.deepEqual(seen, ["ADDED before", "MODIFIED before", "DELETED before"]);
  });

  test("a watch without a version starts with what is there", async () => {
    await own.of(ConfigMap).create(map("there", {}, { app: "there" }));
    const found = new Promise<string>((resolve) => {
      const ended = own.of(ConfigMap).watch({ labelSelector: "app=there" }, ({ type }) => {
        resolve(type);
        throw new Error("that will do");
      });
      ended.catch(() => {});
    });
    assert.equal(await found, "ADDED");
  });

  test("a watch ends with the error of whoever is told", async () => {
    const watching = own.of(ConfigMap).watch({ namespace }, () => {
      throw new Error("no more");
    });
    await assert.rejects(watching, /no more/);
  });

  test("a watch from before the server's start is refused", async () => {
    const work = mkdtempSync(join(tmpdir(), "hakn-own-client-"));
    const start = () => startApiServer({ dataDir: work, address: "127.0.0.1", port: 0, clock, log: silentLogger });
    await (await start()).close();
    const api = await start();
    const client = api.ownClient("restarted");
    try {
      await assert.rejects(
        client.of(ConfigMap).watch({ resourceVersion: "1" }, () => {}),
        { code: 410 },
      );
    } finally {
      client.close();
      await api.close();
      rmSync(work, { recursive: true });
    }
  });

  test("a client that is closed refuses, and its watches end", async () => {
    const client = servers[1]!.api.ownClient("short");
    const { metadata } = await client.of(ConfigMap).list();
    const watching = client.of(ConfigMap).watch({ resourceVersion: metadata.resourceVersion }, () => {});
    client.close();
    await assert.rejects(watching, /the client is closed/);
    await assert.rejects(client.of(ConfigMap).list(), /the client is closed/);
  });
});
