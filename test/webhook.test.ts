import assert from "node:assert/strict";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { ConfigMap } from "../src/apis/core/configmap.ts";
import { EndpointSlice } from "../src/apis/core/endpointslice.ts";
import { Event } from "../src/apis/core/event.ts";
import { Secret } from "../src/apis/core/secret.ts";
import { MutatingWebhookConfiguration } from "../src/apis/core/webhookconfiguration.ts";
import { KnativeService } from "../src/apis/serving/service.ts";
import { inApplyOrder, readManifests } from "../src/cluster/manifests.ts";
import { defaultServingConfig } from "../src/config/serving-config.ts";
import type { Client, Informers } from "../src/kube/api.ts";
import { createClient } from "../src/kube/client.ts";
import type { ControllerContext } from "../src/kube/controller.ts";
import { createEventRecorder } from "../src/kube/events.ts";
import { createInformers } from "../src/kube/informer.ts";
import { systemClock } from "../src/lib/clock.ts";
import { type Logger, silentLogger } from "../src/lib/log.ts";
import { followServingConfig } from "../src/main/follow-config.ts";
import { admissionPaths } from "../src/webhook/admission.ts";
import { followCertificate } from "../src/webhook/certificate-source.ts";
import { startCertificatesController, webhookSecretName, webhookSecretSelection } from "../src/webhook/certificates.ts";
import { startWebhookConfigurationControllers, webhookNames } from "../src/webhook/configurations.ts";
import { startWebhookServer, type WebhookServer } from "../src/webhook/server.ts";
import { type ScratchServer, startScratchServer } from "./cluster/scratch-server.ts";

const namespace = "knative-serving";
const stopping = new AbortController();
let api: ScratchServer;
let client: Client;
let server: WebhookServer;
let informers: Informers;
const ended: Promise<unknown>[] = [];

/** An API server with our manifests, and the webhook half of the control plane beside it. */
before(async () => {
  api = await startScratchServer();
  client = createClient({ connection: api.server.loopbackClientConfig, clock: systemClock, userAgent: "test" });
  const started = createInformers({ client, clock: systemClock, log: silentLogger, signal: stopping.signal });
  informers = started;
  const secrets = informers.of(Secret, webhookSecretSelection(namespace));
  server = await startWebhookServer({
    address: "127.0.0.1",
    port: 0,
    certificates: followCertificate(secrets, { namespace, name: webhookSecretName }, silentLogger),
    paths: admissionPaths({ config: () => defaultServingConfig, createPodForTrial: async () => {} }),
    clock: systemClock,
    log: silentLogger,
    drain: { quietMs: 0, longestMs: 0 },
    signal: stopping.signal,
  });
  ended.push(server.done);
  await applyManifests();
  const context: ControllerContext<typeof defaultServingConfig> = {
    client,
    informers,
    config: { current: () => defaultServingConfig, onChange: () => () => {}, synced: Promise.resolve() },
    ownership: { owns: () => true, onGained: () => () => {} },
    clock: systemClock,
    log: silentLogger,
    signal: stopping.signal,
  };
  const controllers = [
    startCertificatesController(context, namespace),
    ...startWebhookConfigurationControllers(context, namespace),
  ];
  ended.push(...controllers.map(({ done }) => done), started.done());
  await until(async () => {
    const { webhooks } = await client.of(MutatingWebhookConfiguration).get({ name: webhookNames.defaulting });
    return Boolean(webhooks?.[0]?.clientConfig.caBundle);
  });
});

after(async () => {
  stopping.abort();
  await Promise.all(ended);
  client.close();
  await api.close();
});

async function applyManifests(): Promise<void> {
  const manifests = new URL("../manifests/", import.meta.url).pathname;
  const wanted = new Set([
    "Namespace",
    "CustomResourceDefinition",
    "Secret",
    "MutatingWebhookConfiguration",
    "ValidatingWebhookConfiguration",
  ]);
  const objects = [...readManifests(manifests), ...readManifests(join(manifests, "crds"))].filter(
    (object) =>
      (wanted.has(object.kind) && (object.metadata.namespace ?? namespace) === namespace) ||
      (object.kind === "Service" && object.metadata.name === "webhook"),
  );
  for (const object of inApplyOrder(objects)) {
    const group = object.apiVersion.includes("/") ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
    const space = object.metadata.namespace ? `/namespaces/${object.metadata.namespace}` : "";
    await client.raw("POST", `${group}${space}/${object.kind.toLowerCase()}s`, object);
  }
  await client.of(EndpointSlice).create({
    apiVersion: "discovery.k8s.io/v1",
    kind: "EndpointSlice",
    metadata: { namespace, name: "webhook-1", labels: { "kubernetes.io/service-name": "webhook" } },
    addressType: "IPv4",
    endpoints: [{ addresses: ["127.0.0.1"], conditions: { ready: true } }],
    ports: [{ name: "https-webhook", port: server.port, protocol: "TCP" }],
  });
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (await isSo()) return;
    await systemClock.sleep(50);
  }
  assert.fail("it did not come true within 10 s");
}

function hello(name: string, containers: readonly object[]): KnativeService {
  return {
    apiVersion: "serving.knative.dev/v1",
    kind: "Service",
    metadata: { namespace: "default", name },
    spec: { template: { spec: { containers } } },
  } as KnativeService;
}

test("a Service is stored with its defaults, over the API server's own call", async () => {
  const stored = await client.of(KnativeService).create(hello("hello", [{ image: "hello" }]));
  assert.equal(stored.spec.template?.spec?.containers?.[0]?.name, "user-container");
  assert.ok(stored.metadata.annotations?.["serving.knative.dev/creator"]);
  assert.deepEqual(stored.spec.traffic, [{ latestRevision: true, percent: 100 }]);
});

test("a Service that cannot be is refused in upstream's words", async () => {
  await assert.rejects(client.of(KnativeService).create(hello("refused", [{ image: "" }])), {
    message:
      /admission webhook "validation\.webhook\.hakn\.chainguard\.dev" denied the request: validation failed: missing field\(s\): spec\.template\.spec\.containers\[0\]\.image$/,
  });
});

test("a bad ConfigMap of ours is refused, by its labels", async () => {
  const map = (labels: Record<string, string>): ConfigMap => ({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { namespace, name: "config-gc", labels },
    data: { "min-non-active-revisions": "many" },
  });
  const ours = { "app.kubernetes.io/name": "knative-serving", "app.kubernetes.io/component": "controller" };
  await assert.rejects(client.of(ConfigMap).create(map(ours)), {
    message:
      /admission webhook "config\.webhook\.hakn\.chainguard\.dev" denied the request: validation failed: failed to parse data: failed to parse "min-non-active-revisions": strconv\.ParseInt: parsing "many": invalid syntax$/,
  });
  const stored = await client.of(ConfigMap).create(map({}));
  await client.of(ConfigMap).delete(stored.metadata);
});

test("a bad value that got in anyway leaves the last good one in force: the log and an Event on the ConfigMap say so", async () => {
  const errors: string[] = [];
  const log: Logger = { ...silentLogger, error: (message) => errors.push(message) };
  const { signal } = stopping;
  const events = createEventRecorder({ client, component: "test", clock: systemClock, log, signal });
  ended.push(events.done);
  const config = followServingConfig({ informers, namespace, events, log });
  await config.synced;
  const metadata = { namespace, name: "config-autoscaler" };
  const stored = await client.of(ConfigMap).create({
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata,
    data: { "stable-window": "30s" },
  });
  await until(async () => config.current().autoscaler.stableWindowMs === 30_000);
  await client.of(ConfigMap).update({ ...stored, data: { "stable-window": "soon" } });
  const told = async () =>
    (await client.of(Event).list({ namespace })).items.find(({ reason }) => reason === "InvalidConfiguration");
  await until(async () => (await told()) !== undefined);
  const event = await told();
  assert.equal(config.current().autoscaler.stableWindowMs, 30_000);
  assert.deepEqual(
    [event?.type, event?.involvedObject?.kind, event?.involvedObject?.name],
    ["Warning", "ConfigMap", "config-autoscaler"],
  );
  assert.match(event?.message ?? "", /stable-window.*the last good settings of this ConfigMap stay in force$/);
  assert.deepEqual(errors, ["the ConfigMap config-autoscaler is invalid: its last good value stays in force"]);
});
