import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ConfigMap } from "../../apis/core/configmap.ts";
import { CustomResourceDefinition } from "../../apis/core/customresourcedefinition.ts";
import { Deployment } from "../../apis/core/deployment.ts";
import { Endpoints } from "../../apis/core/endpoints.ts";
import { EndpointSlice } from "../../apis/core/endpointslice.ts";
import { Namespace } from "../../apis/core/namespace.ts";
import { Node } from "../../apis/core/node.ts";
import { Pod } from "../../apis/core/pod.ts";
import { ReplicaSet } from "../../apis/core/replicaset.ts";
import { Secret } from "../../apis/core/secret.ts";
import { Service } from "../../apis/core/service.ts";
import { ServiceAccount } from "../../apis/core/serviceaccount.ts";
import { defineKind, type Kind } from "../../apis/kind.ts";
import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import { anyObject } from "../../apis/schema.ts";
import type { Client, ObjectRef } from "../../kube/api.ts";
import { createClient } from "../../kube/client.ts";
import { isNotFound } from "../../kube/errors.ts";
import { createInformers } from "../../kube/informer.ts";
import { systemClock } from "../../lib/clock.ts";
import { silentLogger } from "../../lib/log.ts";
import { type ApiServer, startApiServer } from "../api/api-server.ts";
import { startBuiltinControllers } from "./start.ts";

const clock = systemClock;
const Thing = defineKind({
  group: "example.com",
  version: "v1",
  kind: "Thing",
  plural: "things",
  description: "A custom resource.",
  properties: { spec: anyObject("Anything.") },
});

describe("the built-in controllers, on the embedded API server", () => {
  let work: string;
  let api: ApiServer;
  let client: Client;
  let ended: Promise<unknown>;
  const stopped = new AbortController();

  before(async () => {
    work = mkdtempSync(join(tmpdir(), "hakn-controllers-"));
    const log = silentLogger;
    api = await startApiServer({ dataDir: work, address: "127.0.0.1", port: 0, clock, log });
    client = createClient({ connection: api.loopbackClientConfig, clock });
    const { signal } = stopped;
    const own = api.ownClient("controllers");
    const informers = createInformers({ client: own, clock, log, signal, freeze: true });
    const { caCertificate } = api;
    const controllers = startBuiltinControllers({ client: own, informers, caCertificate, clock, log, signal });
    ended = Promise.all([controllers.done, informers.done()]).then(() => own.close());
  });
  after(async () => {
    stopped.abort();
    await ended;
    client.close();
    await api.close();
    rmSync(work, { recursive: true, force: true });
  });

  const find = <T extends KubeObject>(kind: Kind<T>, ref: ObjectRef): Promise<T | undefined> =>
    client
      .of(kind)
      .get(ref)
      .catch((error) => {
        if (!isNotFound(error)) throw error;
        return undefined;
      });
  const until = async <S>(what: string, look: () => Promise<S>, holds: (seen: S) => boolean): Promise<S> => {
    let seen: S | undefined;
    for (const deadline = clock.monotonic() + 10_000; clock.monotonic() < deadline; await clock.sleep(10)) {
      seen = await look();
      if (holds(seen)) return seen;
    }
    throw new Error(`not ${what}: ${JSON.stringify(seen)}`);
  };
  const gone = (kind: Kind, ref: ObjectRef) =>
    until(
      "gone",
      () => find(kind, ref),
      (found) => found === undefined,
    );
  const namespaceFor = async (name: string): Promise<string> => {
    await client.of(Namespace).create({ apiVersion: "v1", kind: "Namespace", metadata: { name }, spec: {} });
    await until(
      "there",
      () => find(ServiceAccount, { name: "default", namespace: name }),
      (found) => found !== undefined,
    );
    return name;
  };
  const map = (namespace: string, name: string, owner?: KubeObject): ConfigMap => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name, namespace, ...(owner && { ownerReferences: [controllerReference(owner)] }) },
  });
  const deployment = (namespace: string, replicas: number): Deployment => ({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web", namespace },
    spec: {
      replicas,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: { containers: [{ name: "c", image: "x", ports: [{ name: "http", containerPort: 8080 }] }] },
      },
    },
  });
  /** Does what the node agent would. */
  const makeReady = async (namespace: string): Promise<void> => {
    const { items } = await client.of(Pod).list({ namespace });
    for (const [index, { metadata, status }] of items.entries()) {
      if (status?.podIP || metadata.deletionTimestamp) continue;
      const lastTransitionTime = new Date(clock.now()).toISOString().replace(/\.\d+/, "");
      const conditions = [{ type: "Ready", status: "True" as const, lastTransitionTime }];
      const body = { status: { phase: "Running", podIP: `127.9.0.${index + 2}`, conditions } };
      const ref = { name: metadata.name, namespace };
      await client.of(Pod).patch(ref, { type: "merge", body }, { subresource: "status" });
    }
  };

  it("give every namespace its service account and authority, and bring them back", async () => {
    const namespace = await namespaceFor("accounts");
    const ref = { name: "kube-root-ca.crt", namespace };
    const authority = await until(
      "there",
      () => find(ConfigMap, ref),
      (found) => found !== undefined,
    );
    assert.equal(authority?.data?.["ca.crt"], api.caCertificate);
    await client.of(ServiceAccount).delete({ name: "default", namespace });
    await until(
      "back",
      () => find(ServiceAccount, { name: "default", namespace }),
      (found) => found !== undefined,
    );
  });

  it("roll a Deployment out to Endpoints, and delete all that was made from it", async () => {
    const namespace = await namespaceFor("rollout");
    const node: Node = {
      apiVersion: "v1",
      kind: "Node",
      metadata: { name: "n1" },
      spec: {},
      status: { allocatable: { pods: "9" } },
    };
    await client.of(Node).create(node);
    await client
      .of(Node)
      .patch({ name: "n1" }, { type: "merge", body: { status: node.status } }, { subresource: "status" });
    await client.of(Service).create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "web", namespace },
      spec: { selector: { app: "web" }, ports: [{ port: 80, targetPort: "http" }] },
    });
    await client.of(Deployment).create(deployment(namespace, 3));
    const pods = await until(
      "bound",
      async () => (await client.of(Pod).list({ namespace })).items,
      (items) => items.length === 3 && items.every(({ spec }) => spec.nodeName === "n1"),
    );
    assert.ok(pods.every(({ metadata }) => metadata.generateName?.startsWith("web-")));
    await makeReady(namespace);
    const done = await until(
      "available",
      () => find(Deployment, { name: "web", namespace }),
      (found) => found?.status?.availableReplicas === 3,
    );
    assert.equal(done?.status?.conditions?.find(({ type }) => type === "Available")?.status, "True");
    const endpoints = await until(
      "full",
      () => find(Endpoints, { name: "web", namespace }),
      (found) => found?.subsets?.[0]?.addresses?.length === 3,
    );
    assert.equal(endpoints?.subsets?.[0]?.ports?.[0]?.port, 8080);
    const slices = () => client.of(EndpointSlice).list({ namespace, labelSelector: "kubernetes.io/service-name=web" });
    const [slice] = (await until("full", slices, ({ items }) => items[0]?.endpoints?.length === 3)).items;
    assert.equal(slice?.metadata.ownerReferences?.[0]?.kind, "Service");

    await client.of(Deployment).delete({ name: "web", namespace });
    await until(
      "empty",
      () => client.of(ReplicaSet).list({ namespace }),
      ({ items }) => items.length === 0,
    );
    await until(
      "being deleted",
      () => client.of(Pod).list({ namespace }),
      ({ items }) => items.every(({ metadata }) => metadata.deletionTimestamp),
    );
    await client.of(Service).delete({ name: "web", namespace });
    await gone(Endpoints, { name: "web", namespace });
    await until("empty", slices, ({ items }) => items.length === 0);
    for (const { metadata } of pods) {
      await client
        .of(Pod)
        .delete({ name: metadata.name, namespace }, { gracePeriodSeconds: 0 })
        .catch(() => {});
    }
  });

  it("mirror hand-made Endpoints", async () => {
    const namespace = await namespaceFor("mirror");
    const metadata = { name: "outside", namespace };
    await client.of(Service).create({ apiVersion: "v1", kind: "Service", metadata, spec: { ports: [{ port: 80 }] } });
    const subsets = [{ addresses: [{ ip: "192.0.2.1" }], ports: [{ port: 8080 }] }];
    await client.of(Endpoints).create({ apiVersion: "v1", kind: "Endpoints", metadata, subsets });
    const slices = () => client.of(EndpointSlice).list({ namespace });
    const mirrored = (address: string) =>
      until(`at ${address}`, slices, ({ items }) => items[0]?.endpoints?.[0]?.addresses?.[0] === address);
    const [slice] = (await mirrored("192.0.2.1")).items;
    assert.equal(
      slice?.metadata.labels?.["endpointslice.kubernetes.io/managed-by"],
      "endpointslicemirroring-controller.k8s.io",
    );
    const moved = { subsets: [{ addresses: [{ ip: "192.0.2.2" }], ports: [{ port: 8080 }] }] };
    await client.of(Endpoints).patch(metadata, { type: "merge", body: moved });
    await mirrored("192.0.2.2");
    await client.of(Endpoints).delete(metadata);
    await until("empty", slices, ({ items }) => items.length === 0);
  });

  it("collect what belongs to nobody any more: by uid, Secrets and custom resources too", async () => {
    const namespace = await namespaceFor("garbage");
    await client.of(CustomResourceDefinition).create({
      apiVersion: "apiextensions.k8s.io/v1",
      kind: "CustomResourceDefinition",
      metadata: { name: "things.example.com" },
      spec: {
        group: "example.com",
        scope: "Namespaced",
        names: { kind: "Thing", plural: "things", singular: "thing" },
        versions: [
          {
            name: "v1",
            served: true,
            storage: true,
            schema: { openAPIV3Schema: { type: "object", "x-kubernetes-preserve-unknown-fields": true } },
          },
        ],
      },
    } as never);
    const make = async (): Promise<KubeObject> =>
      client
        .of(Thing)
        .create({ apiVersion: "example.com/v1", kind: "Thing", metadata: { name: "owner", namespace }, spec: {} });
    const owner = await until(
      "served",
      () => make().catch(() => undefined),
      (made) => made !== undefined,
    );
    await client.of(ConfigMap).create(map(namespace, "child", owner));
    const child = await client.of(ConfigMap).get({ name: "child", namespace });
    await client.of(Secret).create({
      apiVersion: "v1",
      kind: "Secret",
      metadata: {
        name: "grandchild",
        namespace,
        ownerReferences: [controllerReference({ ...child, apiVersion: "v1", kind: "ConfigMap" })],
      },
    });
    const stranger = { ...owner!, metadata: { ...owner!.metadata, uid: "00000000-0000-0000-0000-000000000000" } };
    await client.of(ConfigMap).create(map(namespace, "stranger", stranger));
    await gone(ConfigMap, { name: "stranger", namespace });
    await client.of(Thing).delete({ name: "owner", namespace });
    await gone(ConfigMap, { name: "child", namespace });
    await gone(Secret, { name: "grandchild", namespace });
  });

  it("delete in the foreground: dependents first, then the owner", async () => {
    const namespace = await namespaceFor("foreground");
    const owner = await client.of(ConfigMap).create(map(namespace, "owner"));
    const held = map(namespace, "held", owner);
    await client.of(ConfigMap).create({ ...held, metadata: { ...held.metadata, finalizers: ["example.com/hold"] } });
    await client.of(ConfigMap).delete({ name: "owner", namespace }, { propagationPolicy: "Foreground" });
    await until(
      "being deleted",
      () => find(ConfigMap, { name: "held", namespace }),
      (found) => found?.metadata.deletionTimestamp !== undefined,
    );
    assert.ok(await find(ConfigMap, { name: "owner", namespace }), "the owner waits");
    await client
      .of(ConfigMap)
      .patch({ name: "held", namespace }, { type: "merge", body: { metadata: { finalizers: null } } });
    await gone(ConfigMap, { name: "owner", namespace });
  });

  it("delete in the foreground what belongs to each other, and what belongs to others, too, stays", async () => {
    const namespace = await namespaceFor("circle");
    const owner = await client.of(ConfigMap).create(map(namespace, "owner"));
    const child = await client.of(ConfigMap).create(map(namespace, "child", owner));
    const other = await client.of(ConfigMap).create(map(namespace, "other"));
    const shared = map(namespace, "shared", other);
    shared.metadata.ownerReferences!.push({ ...controllerReference(owner), controller: false });
    await client.of(ConfigMap).create(shared);
    const body = { metadata: { ownerReferences: [controllerReference(child)] } };
    await client.of(ConfigMap).patch({ name: "owner", namespace }, { type: "merge", body });
    await client.of(ConfigMap).delete({ name: "owner", namespace }, { propagationPolicy: "Foreground" });
    await gone(ConfigMap, { name: "owner", namespace });
    await gone(ConfigMap, { name: "child", namespace });
    await until(
      "released",
      () => find(ConfigMap, { name: "shared", namespace }),
      (found) => found?.metadata.ownerReferences?.map(({ name }) => name).join() === "other",
    );
  });

  it("orphan dependents where asked to", async () => {
    const namespace = await namespaceFor("orphans");
    const owner = await client.of(ConfigMap).create(map(namespace, "owner"));
    await client.of(ConfigMap).create(map(namespace, "child", owner));
    // Once what was made later is collected, the collector knows of the child.
    const stranger = { ...owner, metadata: { ...owner.metadata, uid: "00000000-0000-0000-0000-000000000000" } };
    await client.of(ConfigMap).create(map(namespace, "later", stranger));
    await gone(ConfigMap, { name: "later", namespace });
    await client.of(ConfigMap).delete({ name: "owner", namespace }, { propagationPolicy: "Orphan" });
    await gone(ConfigMap, { name: "owner", namespace });
    assert.deepEqual((await find(ConfigMap, { name: "child", namespace }))?.metadata.ownerReferences ?? [], []);
  });

  it("empty a namespace before it goes, and say what holds it up", async () => {
    const namespace = await namespaceFor("doomed");
    const held = map(namespace, "held");
    await client.of(ConfigMap).create({ ...held, metadata: { ...held.metadata, finalizers: ["example.com/hold"] } });
    await client.of(Service).create({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "s", namespace },
      spec: { ports: [{ port: 80 }] },
    });
    await client.of(Namespace).delete({ name: namespace });
    const found = await until(
      "held up",
      () => find(Namespace, { name: namespace }),
      (seen) => (seen?.status?.conditions?.length ?? 0) > 0,
    );
    assert.equal(found?.status?.phase, "Terminating");
    assert.match(
      JSON.stringify(found?.status?.conditions),
      /configmaps\. has 1 resource instances.*example\.com\/hold in 1 resource instances/,
    );
    assert.equal(await find(Service, { name: "s", namespace }), undefined);
    await client
      .of(ConfigMap)
      .patch({ name: "held", namespace }, { type: "merge", body: { metadata: { finalizers: null } } });
    await gone(Namespace, { name: namespace });
  });
});
