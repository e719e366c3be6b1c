import type { Dice } from "../../src/testing/mutate.ts";
import type { Loose } from "./world.ts";

const images = [
  "ghcr.io/a/b:v1",
  "ghcr.io/a/b:v2",
  "busybox",
  "x/y@sha256:0000000000000000000000000000000000000000000000000000000000000000",
];

const containerParts: readonly object[] = [
  {},
  { name: "app" },
  { ports: [{ containerPort: 8888 }] },
  { ports: [{ name: "h2c", containerPort: 8080 }] },
  { ports: [{ name: "http1", containerPort: 8080 }] },
  {
    env: [
      { name: "A", value: "b" },
      { name: "S", valueFrom: { secretKeyRef: { name: "s", key: "k" } } },
    ],
  },
  { envFrom: [{ configMapRef: { name: "c" } }] },
  { readinessProbe: { httpGet: { path: "/r" }, periodSeconds: 2 } },
  { readinessProbe: { grpc: { port: 8080 } } },
  { readinessProbe: { tcpSocket: { port: 8080 }, failureThreshold: 9 } },
  { livenessProbe: { exec: { command: ["/c"] } } },
  { startupProbe: { httpGet: { path: "/s", port: 8080 } } },
  { resources: { requests: { cpu: "100m" }, limits: { memory: "1Gi" } } },
  { securityContext: { runAsUser: 7, capabilities: { add: ["NET_BIND_SERVICE"] } } },
  { volumeMounts: [{ name: "v", mountPath: "/v" }] },
  { command: ["/bin/a"], args: ["-x", "1"], workingDir: "/w", imagePullPolicy: "Always" },
  { readinessProbe: { exec: { command: ["/ready"] }, periodSeconds: 7, timeoutSeconds: 3 } },
  { readinessProbe: { httpGet: { path: "/", scheme: "HTTPS", httpHeaders: [{ name: "H", value: "v" }] } } },
  { readinessProbe: { periodSeconds: 0, successThreshold: 3, tcpSocket: {} }, livenessProbe: { grpc: {} } },
  { resources: { requests: { cpu: "1", memory: "64Mi" }, limits: { cpu: "2", "ephemeral-storage": "1Gi" } } },
  { terminationMessagePath: "/t", terminationMessagePolicy: "FallbackToLogsOnError", stdin: true },
  { env: [{ name: "POD", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } }] },
];

const podParts: readonly object[] = [
  {},
  { containerConcurrency: 5 },
  { timeoutSeconds: 60 },
  { timeoutSeconds: 60, responseStartTimeoutSeconds: 10, idleTimeoutSeconds: 5 },
  { serviceAccountName: "sa", imagePullSecrets: [{ name: "p" }] },
  { enableServiceLinks: true },
  { volumes: [{ name: "v", emptyDir: {} }] },
  { volumes: [{ name: "v", projected: { sources: [{ secret: { name: "s" } }] } }] },
  { initContainers: [{ name: "init", image: "busybox", args: ["a"] }, { image: "busybox" }] },
  { nodeSelector: { a: "b" }, tolerations: [{ key: "k", operator: "Exists" }] },
  { affinity: { nodeAffinity: {} }, hostAliases: [{ ip: "127.0.0.9", hostnames: ["h"] }] },
  { containerConcurrency: 0, automountServiceAccountToken: false },
  { runtimeClassName: "gvisor", priorityClassName: "high", schedulerName: "own" },
  { dnsPolicy: "None", dnsConfig: { nameservers: ["1.1.1.1"] }, shareProcessNamespace: true },
  { securityContext: { runAsNonRoot: true, fsGroup: 3 } },
  { topologySpreadConstraints: [{ maxSkew: 1, topologyKey: "zone", whenUnsatisfiable: "DoNotSchedule" }] },
  { volumes: [{ name: "v", persistentVolumeClaim: { claimName: "p", readOnly: true } }] },
];

const templateAnnotations: readonly Readonly<Record<string, string>>[] = [
  {},
  { "autoscaling.knative.dev/min-scale": "2", "autoscaling.knative.dev/maxScale": "3" },
  { "autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev", "autoscaling.knative.dev/metric": "cpu" },
  { "serving.knative.dev/no-gc": "true" },
  { "serving.knative.dev/progress-deadline": "20s", note: "n" },
  { "serving.knative.dev/routes": "forged", "serving.knative.dev/routingStateModified": "never" },
  { "serving.knative.dev/creator": "somebody" },
  { "autoscaling.knative.dev/initial-scale": "0" },
  { "autoscaling.knative.dev/initial-scale": "3", "autoscaling.knative.dev/max-scale": "2" },
  { "autoscaling.knative.dev/target": "1.5", "autoscaling.knative.dev/target-utilization-percentage": "80" },
  { "autoscaling.knative.dev/metric": "rps", "autoscaling.knative.dev/target": "150" },
  { "autoscaling.knative.dev/window": "40s", "autoscaling.knative.dev/panic-window-percentage": "50" },
  { "autoscaling.knative.dev/targetBurstCapacity": "-1", "autoscaling.knative.dev/panicThresholdPercentage": "400" },
  { "autoscaling.knative.dev/scale-down-delay": "90s", "autoscaling.knative.dev/activation-scale": "2" },
  { "autoscaling.knative.dev/scale-to-zero-pod-retention-period": "42s" },
  { "autoscaling.knative.dev/metric-aggregation-algorithm": "weightedExponential" },
  {
    "autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev",
    "autoscaling.knative.dev/metric": "memory",
    "autoscaling.knative.dev/target": "200",
    "autoscaling.knative.dev/max-scale": "4",
  },
  { "autoscaling.knative.dev/class": "hpa.autoscaling.knative.dev", "autoscaling.knative.dev/metric": "jobs" },
  { "queue.sidecar.serving.knative.dev/resource-percentage": "20" },
  {
    "queue.sidecar.serving.knative.dev/cpu-resource-request": "30m",
    "queue.sidecar.serving.knative.dev/memory-resource-limit": "1Gi",
  },
  { "features.knative.dev/queueproxy-podinfo": "enabled" },
  { "sidecar.istio.io/inject": "true" },
];

const templateLabels: readonly Readonly<Record<string, string>>[] = [
  {},
  { app: "mine", team: "x" },
  { "serving.knative.dev/routingState": "active", "serving.knative.dev/service": "forged" },
  { "networking.knative.dev/visibility": "cluster-local" },
];

/** What the revisions of `owner` are made of. */
export function template(owner: string, dice: Dice): Loose {
  const container = () => ({
    image: dice.pick(images),
    ...Object.assign({}, dice.pick(containerParts), dice.pick(containerParts)),
  });
  const containers: Loose[] = [container()];
  if (dice.roll(6) === 0) containers.push({ ...container(), name: "sidecar", ports: [] });
  const metadata: Loose = { annotations: dice.pick(templateAnnotations), labels: dice.pick(templateLabels) };
  if (dice.roll(8) === 0) metadata.name = `${owner}-${dice.pick(["v1", "v2", "byo"])}`;
  return structuredClone({ metadata, spec: { containers, ...dice.pick(podParts), ...dice.pick(podParts) } });
}
