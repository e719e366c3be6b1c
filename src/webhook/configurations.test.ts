import assert from "node:assert/strict";
import { test } from "node:test";
import type { Namespace } from "../apis/core/namespace.ts";
import type { Secret } from "../apis/core/secret.ts";
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "../apis/core/webhookconfiguration.ts";
import { PermanentError } from "../kube/errors.ts";
import { silentLogger } from "../lib/log.ts";
import { fakeClient } from "../testing/fake-client.ts";
import { configMapSelector, reconcileConfiguration, webhookNames } from "./configurations.ts";

const namespace: Namespace = {
  apiVersion: "v1",
  kind: "Namespace",
  metadata: { name: "knative-serving", uid: "ns-1" },
  spec: {},
};
const secret: Secret = {
  apiVersion: "v1",
  kind: "Secret",
  metadata: { namespace: "knative-serving", name: "webhook-certs" },
  data: { "ca-cert.pem": "Y2E=" },
};

function configuration<K extends string>(kind: K, name: string, more: object = {}) {
  return {
    apiVersion: "admissionregistration.k8s.io/v1",
    kind,
    metadata: { name },
    webhooks: [
      {
        name,
        clientConfig: { service: { namespace: "knative-serving", name: "webhook", port: 443 } },
        sideEffects: "None" as const,
        admissionReviewVersions: ["v1"],
        ...more,
      },
    ],
  };
}

async function reconciled(name: string, object: MutatingWebhookConfiguration, secrets: readonly Secret[] = [secret]) {
  const kind =
    object.kind === "MutatingWebhookConfiguration" ? MutatingWebhookConfiguration : ValidatingWebhookConfiguration;
  const client = fakeClient([object, namespace]);
  const deps = { client, namespace: "knative-serving", secrets: { get: () => secrets[0] } };
  const pass = { log: silentLogger, signal: new AbortController().signal };
  await reconcileConfiguration(kind as typeof MutatingWebhookConfiguration, object, deps, pass);
  return { client, stored: client.stored(kind, { name }) as MutatingWebhookConfiguration };
}

const { defaulting, resourceValidation, configValidation } = webhookNames;

test("the defaulting webhook is told its authority, path, rules and who may opt out", async () => {
  const { stored } = await reconciled(
    defaulting,
    configuration("MutatingWebhookConfiguration", defaulting, {
      namespaceSelector: {
        matchExpressions: [
          { key: "old.knative.dev/x", operator: "Exists" },
          { key: "mine", operator: "Exists" },
        ],
      },
    }),
  );
  const webhook = stored.webhooks![0]!;
  assert.equal(webhook.clientConfig.caBundle, "Y2E=");
  assert.equal(webhook.clientConfig.service!.path, "/defaulting");
  assert.equal(webhook.reinvocationPolicy, "IfNeeded");
  assert.deepEqual(webhook.namespaceSelector, {
    matchExpressions: [
      { key: "webhooks.knative.dev/exclude", operator: "DoesNotExist" },
      { key: "mine", operator: "Exists" },
    ],
  });
  assert.deepEqual(
    webhook.rules!.map(({ apiGroups, apiVersions, resources }) =>
      [...apiGroups!, ...apiVersions!, ...resources!].join(" "),
    ),
    [
      "autoscaling.internal.knative.dev v1alpha1 metrics",
      "autoscaling.internal.knative.dev v1alpha1 podautoscalers",
      "networking.internal.knative.dev v1alpha1 certificates",
      "networking.internal.knative.dev v1alpha1 ingresses",
      "networking.internal.knative.dev v1alpha1 serverlessservices",
      "serving.knative.dev v1 configurations",
      "serving.knative.dev v1 revisions",
      "serving.knative.dev v1 routes",
      "serving.knative.dev v1 services",
      "serving.knative.dev v1beta1 domainmappings",
    ],
  );
  assert.deepEqual(webhook.rules![0]!.operations, ["CREATE", "UPDATE"]);
  assert.deepEqual(
    stored.metadata.ownerReferences!.map(({ kind, uid }) => [kind, uid]),
    [["Namespace", "ns-1"]],
  );
});

test("the validating webhook also hears of deletions, the one for ConfigMaps of ours only", async () => {
  const resources = await reconciled(
    resourceValidation,
    configuration("ValidatingWebhookConfiguration", resourceValidation),
  );
  assert.deepEqual(resources.stored.webhooks![0]!.rules![0]!.operations, ["CREATE", "UPDATE", "DELETE"]);
  assert.equal(resources.stored.webhooks![0]!.reinvocationPolicy, undefined);
  const configs = await reconciled(configValidation, configuration("ValidatingWebhookConfiguration", configValidation));
  assert.deepEqual(configs.stored.webhooks![0]!.rules, [
    {
      operations: ["CREATE", "UPDATE"],
      apiGroups: [""],
      apiVersions: ["v1"],
      resources: ["configmaps/*"],
      scope: "Namespaced",
    },
  ]);
  assert.deepEqual(configs.stored.webhooks![0]!.objectSelector, configMapSelector);
  assert.equal(configs.stored.webhooks![0]!.namespaceSelector, undefined);
});

test("what is right already is not written again", async () => {
  const { stored } = await reconciled(defaulting, configuration("MutatingWebhookConfiguration", defaulting));
  const { client } = await reconciled(defaulting, stored);
  assert.deepEqual(client.actions, []);
});

test("without an authority nothing is written", async () => {
  const { client } = await reconciled(defaulting, configuration("MutatingWebhookConfiguration", defaulting), [
    { ...secret, data: {} },
  ]);
  assert.deepEqual(client.actions, []);
});

test("a webhook without a Service cannot be brought in order", async () => {
  const broken = configuration("MutatingWebhookConfiguration", defaulting, {
    clientConfig: { url: "https://elsewhere" },
  });
  await assert.rejects(reconciled(defaulting, broken), PermanentError);
});
