import assert from "node:assert/strict";
import { test } from "node:test";
import type { Deployment } from "../../apis/core/deployment.ts";
import { parseServingConfig } from "../../config/serving-config.ts";
import { testRevision } from "../../testing/serving-objects.ts";
import { makeDeployment } from "./deployment.ts";
import { driftOf } from "./deployment-drift.ts";

const config = parseServingConfig({
  "config-deployment": { "queue-sidecar-image": "queue:test", "queue-sidecar-token-audiences": "a,b" },
  "config-features": { "queueproxy.mount-podinfo": "enabled" },
});
const installation = { systemNamespace: "knative-serving", metricsDomain: "knative.dev/internal/serving" };
const revision = testRevision(1, {
  spec: {
    timeoutSeconds: 300,
    volumes: [
      { name: "cache", emptyDir: {} },
      { name: "creds", secret: { secretName: "creds" } },
      { name: "identity", projected: { sources: [{ serviceAccountToken: { path: "token" } }] } },
    ],
    containers: [
      {
        name: "user-container",
        image: "ghcr.io/acme/app",
        readinessProbe: { httpGet: { path: "/ready", port: 0 }, successThreshold: 1 },
        livenessProbe: { tcpSocket: { port: 0 } },
        resources: { requests: { cpu: "1000m" } },
        volumeMounts: [{ name: "cache", mountPath: "/cache", readOnly: false }],
      },
    ],
  },
});
const wanted = makeDeployment(revision, config, installation);

/** What an API server makes of the Deployment: with the defaults of Kubernetes. */
function stored(): Deployment {
  const copy = structuredClone(wanted);
  Object.assign(copy.metadata, { uid: "u", resourceVersion: "1", generation: 1 });
  copy.spec.revisionHistoryLimit = 10;
  copy.spec.strategy!.rollingUpdate = { maxSurge: "25%", maxUnavailable: 0 };
  const pod = copy.spec.template.spec!;
  Object.assign(pod, {
    restartPolicy: "Always",
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
    securityContext: {},
  });
  for (const volume of pod.volumes!) {
    const { secret, projected, downwardAPI } = volume;
    for (const source of [secret, projected, downwardAPI]) if (source) source.defaultMode = 420;
    for (const { serviceAccountToken } of projected?.sources ?? []) {
      if (serviceAccountToken) serviceAccountToken.expirationSeconds ??= 3600;
    }
    for (const item of downwardAPI?.items ?? []) item.fieldRef!.apiVersion = "v1";
  }
  for (const container of pod.containers) {
    container.terminationMessagePath = "/dev/termination-log";
    container.terminationMessagePolicy ??= "File";
    container.imagePullPolicy = container.name === "queue-proxy" ? "IfNotPresent" : "Always";
    if (container.resources?.requests?.["cpu"] === "1000m") container.resources.requests["cpu"] = "1";
    for (const port of container.ports ?? []) port.protocol = "TCP";
    for (const { valueFrom } of container.env ?? []) if (valueFrom?.fieldRef) valueFrom.fieldRef.apiVersion = "v1";
    for (const mount of container.volumeMounts ?? []) if (!mount.readOnly) delete mount.readOnly;
    const preStop = container.lifecycle?.preStop?.httpGet;
    if (preStop) preStop.scheme = "HTTP";
    for (const probe of [container.readinessProbe, container.livenessProbe]) {
      if (!probe) continue;
      Object.assign(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
      if (probe.httpGet) Object.assign(probe.httpGet, { path: probe.httpGet.path ?? "/", scheme: "HTTP" });
    }
  }
  return copy;
}

test("what the API server fills in is no drift", () => {
  assert.equal(driftOf(stored(), wanted), undefined);
});

for (const [what, change] of [
  ["another image", (d: Deployment) => (d.spec.template.spec!.containers[0]!.image = "other")],
  [
    "another environment variable",
    (d: Deployment) => d.spec.template.spec!.containers[1]!.env!.push({ name: "X", value: "y" }),
  ],
  ["a missing volume", (d: Deployment) => d.spec.template.spec!.volumes!.splice(0, 1)],
  ["another sort of volume", (d: Deployment) => (d.spec.template.spec!.volumes![0] = { name: "cache" })],
  [
    "another amount of CPU",
    (d: Deployment) => (d.spec.template.spec!.containers[0]!.resources!.requests!["cpu"] = "2"),
  ],
  [
    "an amount of CPU that is none",
    (d: Deployment) => (d.spec.template.spec!.containers[0]!.resources!.requests!["cpu"] = "much"),
  ],
  [
    "a token that ends sooner",
    (d: Deployment) => {
      for (const { projected } of d.spec.template.spec!.volumes!)
        for (const { serviceAccountToken } of projected?.sources ?? [])
          if (serviceAccountToken) serviceAccountToken.expirationSeconds = 600;
    },
  ],
  ["another deadline", (d: Deployment) => (d.spec.progressDeadlineSeconds = 1)],
  ["another way of rolling", (d: Deployment) => (d.spec.strategy!.rollingUpdate!.maxUnavailable = 1)],
  ["links to services", (d: Deployment) => (d.spec.template.spec!.enableServiceLinks = true)],
  ["a missing label of pods", (d: Deployment) => delete d.spec.template.metadata!.labels!["app"]],
] as const) {
  test(`${what} is drift`, () => {
    const changed = stored();
    change(changed);
    assert.ok(driftOf(changed, wanted));
  });
}

test("the number of pods and the selector are not ours to change", () => {
  const changed = stored();
  changed.spec.replicas = 7;
  changed.spec.selector = { matchLabels: { old: "selector" } };
  assert.equal(driftOf(changed, wanted), undefined);
  changed.spec.progressDeadlineSeconds = 1;
  const drift = driftOf(changed, wanted);
  assert.equal(drift?.spec.replicas, 7);
  assert.deepEqual(drift?.spec.selector, { matchLabels: { old: "selector" } });
});

test("annotations that others put on the pod template stay", () => {
  const restarted = stored();
  restarted.spec.template.metadata!.annotations = { "kubectl.kubernetes.io/restartedAt": "2024-01-01T00:00:00Z" };
  assert.equal(driftOf(restarted, wanted), undefined);
  restarted.spec.progressDeadlineSeconds = 1;
  assert.deepEqual(driftOf(restarted, wanted)?.spec.template.metadata?.annotations, {
    "kubectl.kubernetes.io/restartedAt": "2024-01-01T00:00:00Z",
  });
});

test("annotations that were ours and are no longer wanted go", () => {
  const annotated = stored();
  annotated.metadata.annotations = { mine: "once" };
  annotated.spec.template.metadata!.annotations = { mine: "once" };
  assert.deepEqual(driftOf(annotated, wanted)?.spec.template.metadata?.annotations, {});
});

test("labels of the Deployment are joined, its other metadata stays", () => {
  const changed = stored();
  changed.metadata.labels = { theirs: "yes" };
  changed.spec.progressDeadlineSeconds = 1;
  const drift = driftOf(changed, wanted);
  assert.deepEqual(drift?.metadata.labels, { theirs: "yes", ...wanted.metadata.labels });
  assert.equal(drift?.metadata.resourceVersion, "1");
});
