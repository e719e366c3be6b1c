import { admissionKinds, defaultObject, validateObject } from "../../src/apis/admission.ts";
import type { KubeObject } from "../../src/apis/meta.ts";
import { parseServingConfig } from "../../src/config/serving-config.ts";
import { configDataOf } from "../../src/main/answer/config-maps.ts";
import type { Dice } from "../../src/testing/mutate.ts";
import { add, configMapsOf, grown, type Loose, ofKind, type World } from "./world.ts";

const serving = "serving.knative.dev/v1";

/** The namespace of all cases. */
export const namespace = "ns";

const longName = "a-name-that-leaves-hardly-any-room-for-what-has-to-be-added";

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

const labels: readonly Readonly<Record<string, string>>[] = [
  { "networking.knative.dev/visibility": "cluster-local" },
  { "networking.knative.dev/visibility": "public" },
  { app: "mine" },
  { zone: "eu" },
  { "serving.knative.dev/service": "forged" },
  { "serving.knative.dev/route": "forged" },
];

const annotations: readonly Readonly<Record<string, string>>[] = [
  { "serving.knative.dev/rollout-duration": "10s" },
  { "serving.knative.dev/rolloutDuration": "500s" },
  { "serving.knative.dev/rollout-duration": "0s" },
  { "serving.knative.dev/rollout-duration": "soon" },
  { "networking.knative.dev/ingress.class": "kourier" },
  { "networking.knative.dev/ingress-class": "contour" },
  { "networking.knative.dev/certificate.class": "own" },
  { "networking.knative.dev/certificate-class": "other" },
  { "networking.knative.dev/disableAutoTLS": "true" },
  { "networking.knative.dev/disable-auto-tls": "T" },
  { "networking.knative.dev/disable-external-domain-tls": "false" },
  { "networking.knative.dev/disable-external-domain-tls": "maybe" },
  { "networking.knative.dev/httpOption": "Redirected" },
  { "networking.knative.dev/http-protocol": "ENABLED" },
  { "networking.knative.dev/http-protocol": "disabled" },
  { "networking.knative.dev/http-protocol": "bogus" },
  { "kubectl.kubernetes.io/last-applied-configuration": "{}" },
  { "serving.knative.dev/forceUpgrade": "true" },
  { "features.knative.dev/podspec-dryrun": "enabled" },
  { note: "n" },
];

const featureKeys = [
  "multi-container-probing",
  "kubernetes.podspec-affinity",
  "kubernetes.podspec-topologyspreadconstraints",
  "kubernetes.podspec-hostaliases",
  "kubernetes.podspec-fieldref",
  "kubernetes.podspec-nodeselector",
  "kubernetes.podspec-runtimeclassname",
  "kubernetes.podspec-securitycontext",
  "kubernetes.podspec-shareprocessnamespace",
  "kubernetes.podspec-priorityclassname",
  "kubernetes.podspec-schedulername",
  "kubernetes.podspec-tolerations",
  "kubernetes.podspec-init-containers",
  "kubernetes.podspec-persistent-volume-claim",
  "kubernetes.podspec-dnspolicy",
  "kubernetes.podspec-dnsconfig",
  "kubernetes.containerspec-addcapabilities",
  "secure-pod-defaults",
  "tag-header-based-routing",
  "queueproxy.resource-defaults",
  "queueproxy.mount-podinfo",
  "autodetect-http2",
];

const configs: readonly (readonly [map: string, settings: readonly Readonly<Record<string, string>>[]])[] = [
  [
    "config-network",
    [
      { "external-domain-tls": "enabled" },
      { "external-domain-tls": "enabled", "http-protocol": "Redirected" },
      { "auto-tls": "enabled", "namespace-wildcard-cert-selector": "{}" },
      { "cluster-local-domain-tls": "enabled" },
      { "cluster-local-domain-tls": "enabled", "external-domain-tls": "enabled" },
      { "system-internal-tls": "enabled" },
      { "http-protocol": "Redirected" },
      { "http-protocol": "Disabled" },
      { "rollout-duration": "600" },
      { "default-external-scheme": "https" },
      { "domain-template": "{{.Name}}-{{.Namespace}}.{{.Domain}}" },
      { "domain-template": '{{.Name}}.{{index .Annotations "note"}}.{{.Domain}}' },
      { "domain-template": "{{if .Labels.app}}{{.Labels.app}}{{else}}{{.Name}}{{end}}.{{.Domain}}" },
      { "tag-template": "{{.Name}}-{{.Tag}}" },
      { "tag-template": "{{.Name}}" },
      { "ingress-class": "kourier", "certificate-class": "own" },
      { "autocreate-cluster-domain-claims": "true" },
      { "autocreate-cluster-domain-claims": "false" },
      {},
    ],
  ],
  [
    "config-domain",
    [
      { "example.com": "" },
      { "mine.org": "selector:\n  app: mine\n", "example.com": "" },
      { "svc.cluster.local": "" },
      {
        "svc.cluster.local": "selector:\n  app: mine\n",
        "eu.example.com": "selector:\n  zone: eu\n",
        "example.com": "",
      },
    ],
  ],
  [
    "config-gc",
    [
      { "retain-since-create-time": "0s", "retain-since-last-active-time": "0s", "min-non-active-revisions": "0" },
      { "max-non-active-revisions": "2", "min-non-active-revisions": "1" },
      {
        "max-non-active-revisions": "disabled",
        "retain-since-create-time": "1h",
        "retain-since-last-active-time": "disabled",
        "min-non-active-revisions": "1",
      },
      { "max-non-active-revisions": "0", "min-non-active-revisions": "0", "retain-since-create-time": "disabled" },
      { "retain-since-create-time": "30m", "retain-since-last-active-time": "10h", "min-non-active-revisions": "2" },
      {},
    ],
  ],
  [
    "config-defaults",
    [
      { "revision-timeout-seconds": "60", "container-concurrency": "7" },
      { "container-name-template": "{{.Name}}-c", "enable-service-links": "default" },
      { "revision-cpu-request": "10m", "revision-memory-limit": "1Gi", "init-container-name-template": "i" },
      { "revision-response-start-timeout-seconds": "20", "revision-idle-timeout-seconds": "30" },
      { "allow-container-concurrency-zero": "false", "container-concurrency": "9" },
      {},
    ],
  ],
  ["config-features", [allFeatures("Enabled"), allFeatures("Enabled"), allFeatures("Allowed"), {}]],
  [
    "config-deployment",
    [
      { "progress-deadline": "99s", "queue-sidecar-cpu-request": "50m", "queue-sidecar-memory-limit": "100Mi" },
      { "runtime-class-name": "kata:\n  selector:\n    app: mine\ngvisor: {}\n" },
      { "default-affinity-type": "none", "queue-sidecar-token-audiences": "a,b" },
      { "queue-sidecar-rootca": "ca", "registries-skipping-tag-resolving": "ghcr.io" },
      {},
    ],
  ],
  [
    "config-autoscaler",
    [
      { "min-scale": "1", "max-scale": "7", "initial-scale": "2" },
      { "allow-zero-initial-scale": "true", "initial-scale": "0", "stable-window": "30s" },
      { "container-concurrency-target-percentage": "0.5", "container-concurrency-target-default": "40" },
      { "requests-per-second-target-default": "33.5", "target-burst-capacity": "0" },
      { "panic-window-percentage": "20", "panic-threshold-percentage": "150", "scale-down-delay": "5m" },
      { "pod-autoscaler-class": "hpa.autoscaling.knative.dev", "max-scale-limit": "20", "max-scale": "20" },
      { "max-scale-up-rate": "5", "max-scale-down-rate": "3", "activator-capacity": "10" },
      {},
    ],
  ],
  [
    "config-observability",
    [
      { "logging.enable-request-log": "true", "logging.enable-probe-request-log": "true" },
      { "logging.enable-var-log-collection": "true", "profiling.enable": "true" },
      {
        "logging.revision-url-template": `https://logs/\${REVISION_UID}`,
        "metrics.request-metrics-backend-destination": "none",
      },
      {},
    ],
  ],
];

function allFeatures(flag: "Enabled" | "Allowed"): Readonly<Record<string, string>> {
  return Object.fromEntries(featureKeys.map((key) => [key, flag]));
}

/** What names are taken from. */
const serviceNames = ["s", "s", "hello", longName] as const;

export function makeService(world: World, dice: Dice): void {
  const name = dice.pick(serviceNames);
  create(world, () => {
    const service: Loose = { apiVersion: serving, kind: "Service", metadata: marked(name, dice), spec: {} };
    service.spec = { template: template(name, dice), traffic: traffic(world, service, dice) };
    return service;
  });
}

export function makeBare(world: World, dice: Dice): void {
  for (const name of dice.pick([["c"], ["c", "d"]])) {
    create(world, () => ({
      apiVersion: serving,
      kind: "Configuration",
      metadata: marked(name, dice),
      spec: { template: template(name, dice) },
    }));
  }
  for (const name of dice.pick([["r"], ["r", "other"], [longName]])) {
    create(world, () => {
      const route: Loose = { apiVersion: serving, kind: "Route", metadata: marked(name, dice), spec: {} };
      route.spec.traffic = traffic(world, route, dice);
      return route;
    });
  }
}

/** Tries until the webhook lets one in. */
function create(world: World, make: () => Loose): void {
  for (;;) {
    const admitted = admit(world, make(), undefined);
    if (!admitted) continue;
    add(world, admitted);
    return;
  }
}

/** One change that a user makes. */
export function change(world: World, dice: Dice): void {
  const object: Loose = dice.pick(usersOwn(world));
  if (!object || object.metadata.deletionTimestamp) return;
  const old = structuredClone(object);
  const roll = dice.roll(10);
  if (roll < 3) toggle(object.metadata, "annotations", dice.pick(annotations));
  else if (roll < 5) toggle(object.metadata, "labels", dice.pick(labels));
  else if (object.kind === "DomainMapping") changeMapping(object, dice);
  else if (object.spec.template && (roll < 8 || !object.spec.traffic))
    object.spec.template = template(object.metadata.name, dice);
  else if (dice.roll(3) > 0 && object.spec.traffic?.length > 0) editTraffic(world, object, dice);
  else object.spec.traffic = traffic(world, object, dice);
  if (JSON.stringify(old.spec) !== JSON.stringify(object.spec)) grown(object);
  Object.assign(object, admit(world, object, old) ?? old);
}

export function configure(world: World, dice: Dice): void {
  const [map, settings] = dice.pick(configs);
  world.config[map] = { ...dice.pick(settings) };
}

function usersOwn(world: World): Loose[] {
  return world.objects.filter(
    ({ apiVersion, kind, metadata }) =>
      apiVersion.startsWith("serving.") && kind !== "Revision" && (metadata.ownerReferences ?? []).length === 0,
  );
}

/** Sets what is not there; takes away what is. */
function toggle(metadata: Loose, field: string, values: Readonly<Record<string, string>>): void {
  metadata[field] ??= {};
  for (const [key, value] of Object.entries(values)) {
    if (metadata[field][key] === value) delete metadata[field][key];
    else metadata[field][key] = value;
  }
}

function marked(name: string, dice: Dice): Loose {
  const metadata = { name, namespace };
  if (dice.roll(3) === 0) toggle(metadata, "annotations", dice.pick(annotations));
  if (dice.roll(3) === 0) toggle(metadata, "labels", dice.pick(labels));
  return metadata;
}

function template(owner: string, dice: Dice): Loose {
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

const splits = [[100], [100], [50, 50], [99, 1], [10, 0, 90], [34, 33, 33], [100, undefined], [0, 100]] as const;

const tags = ["a", "b", "current", "latest"];

/** What users do to the traffic that there is: tags come and go and get other names, shares move, revisions are pinned. */
function editTraffic(world: World, { kind, spec }: Loose, dice: Dice): void {
  const targets: Loose[] = spec.traffic;
  const target = dice.pick(targets);
  const other = dice.pick(targets);
  const revisions = ofKind(world, "Revision").map(({ metadata }) => metadata.name);
  switch (dice.roll(7)) {
    case 0:
      if (!targets.some(({ tag }) => tag === "b")) target.tag = "b";
      break;
    case 1:
      delete target.tag;
      break;
    case 2:
      targets.push({ tag: dice.pick(tags), percent: 0, ...pinned(dice.pick([...revisions, "missing"])) });
      break;
    case 3: {
      const moved = Math.min(10, target.percent ?? 0);
      target.percent = (target.percent ?? 0) - moved;
      other.percent = (other.percent ?? 0) + moved;
      break;
    }
    case 4:
    case 5:
      if (revisions.length > 0) Object.assign(target, { configurationName: undefined }, pinned(dice.pick(revisions)));
      break;
    default:
      Object.assign(target, { revisionName: undefined, latestRevision: true });
      if (kind === "Route") target.configurationName ??= ofKind(world, "Configuration")[0]?.metadata.name;
  }
  spec.traffic = JSON.parse(JSON.stringify(targets));
}

function pinned(revisionName: string): object {
  return { revisionName, latestRevision: false };
}

/** Traffic to what there is, and now and then to what there is not. */
function traffic(world: World, { kind }: KubeObject, dice: Dice): object[] | undefined {
  if (dice.roll(5) === 0 && kind === "Service") return undefined;
  const namesOf = (name: string, otherwise: string): string[] => {
    const names = ofKind(world, name).map(({ metadata }) => metadata.name);
    return names.length === 0 || dice.roll(12) === 0 ? [...names, otherwise] : names;
  };
  const revisions = namesOf("Revision", "missing");
  const configurations = namesOf("Configuration", "c");
  const left = tags.slice(dice.roll(3));
  return dice.pick(splits).map((percent) => ({
    ...(percent !== undefined && { percent }),
    ...(dice.roll(2) === 0 && left.length > 0 && { tag: left.shift() }),
    ...(revisions[0] !== "missing" && dice.roll(3) === 0
      ? { revisionName: dice.pick(revisions) }
      : kind === "Route"
        ? { configurationName: dice.pick(configurations) }
        : { latestRevision: true }),
  }));
}

const references: readonly Loose[] = [
  { kind: "Service", apiVersion: serving },
  { kind: "Service", apiVersion: serving },
  { kind: "Route", apiVersion: serving },
  { kind: "Service", apiVersion: serving },
  { kind: "Route", apiVersion: serving },
  { kind: "Service", apiVersion: "v1" },
  { kind: "Configuration", apiVersion: serving },
];

/** A DomainMapping, and what it may lead to. */
export function makeMapping(world: World, dice: Dice): void {
  const name = dice.pick(["d.example.com", "www.mapped.test", "r.ns.example.com"]);
  create(world, () => {
    const mapping: Loose = {
      apiVersion: "serving.knative.dev/v1beta1",
      kind: "DomainMapping",
      metadata: marked(name, dice),
      spec: {},
    };
    changeMapping(mapping, dice);
    return mapping;
  });
  for (const kind of ["Service", "Route"]) {
    if (dice.roll(4) === 0) continue;
    const target: Loose = add(world, {
      apiVersion: serving,
      kind,
      metadata: { name: "t", namespace, labels: { target: "t" } },
    });
    target.spec = kind === "Service" ? { template: template("t", dice) } : { traffic: [] };
    readdress(target, dice);
  }
  if (dice.roll(2) === 0)
    add(world, { apiVersion: "v1", kind: "Service", metadata: { name: "t", namespace } }).spec = {
      ports: [{ port: 80 }],
    };
}

function changeMapping(mapping: Loose, dice: Dice): void {
  mapping.spec.ref = { name: "t", namespace, ...dice.pick(references) };
  if (dice.roll(4) === 0) mapping.spec.tls = { secretName: "own" };
  else delete mapping.spec.tls;
}

const addresses: readonly Loose[] = [
  ...Array.from({ length: 40 }, () => ({ url: "http://t.ns.svc.cluster.local" })),
  { url: "https://t.ns.svc.cluster.local" },
  { url: "http://other-name.ns.svc.cluster.local/" },
  { url: "http://t.ns.svc.cluster.local/path" },
  { url: "http://t.ns.svc.cluster.local:8080" },
  { url: "http://t.other.svc.cluster.local" },
  { url: "http://a.t.ns.svc.cluster.local" },
  { url: "http://t.ns.example.com" },
  {},
];

/** What a target says where it is. */
export function readdress(target: Loose, dice: Dice): void {
  target.status = dice.roll(10) === 0 ? {} : { address: structuredClone(dice.pick(addresses)) };
}

/** As the webhook leaves it; undefined where it refuses. */
function admit(world: World, object: Loose, oldObject: KubeObject | undefined): Loose | undefined {
  const admission = admissionKinds.find(({ kind }) => kind.kind === object.kind)!;
  const config = parseServingConfig(configDataOf(configMapsOf(world)));
  const operation = oldObject ? "UPDATE" : "CREATE";
  const question = { operation, object, oldObject, userName: "alice", config, refuseUnknownFields: true } as const;
  const answer = defaultObject(admission, question);
  if (!answer.allowed) throw new Error(answer.message);
  const isAllowed = validateObject(admission, { ...question, object: answer.object }).allowed;
  return isAllowed ? answer.object : undefined;
}
