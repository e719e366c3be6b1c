import type { Dice } from "../../src/testing/mutate.ts";
import { readdress } from "./mappings.ts";
import { autoscale, runPods } from "./pods.ts";
import { add, grown, type Loose, namespace, ofKind, own, remove, serving, type World } from "./world.ts";

/** A ServerlessService with what Kubernetes and the autoscaler put beside it. */
export function makeServerlessService(world: World, dice: Dice): void {
  const name = dice.pick(["s-00001", "s-00001", "a-revision-with-a-name-that-is-too-long-for-a-suffix-beside-it"]);
  const sks: Loose = add(world, {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "ServerlessService",
    metadata: {
      name,
      namespace,
      labels: dice.pick([{}, { app: "s-00001", "serving.knative.dev/revision": "s-00001" }]),
      annotations: dice.pick([{}, { "autoscaling.knative.dev/class": "kpa.autoscaling.knative.dev" }]),
    },
  });
  sks.spec = { objectRef: { apiVersion: "apps/v1", kind: "Deployment", name: `${name}-deployment` } };
  rescale(sks, dice);
  const selector = { "serving.knative.dev/revisionUID": "u" };
  add(world, {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: dice.roll(20) === 0 ? "another" : `${name}-deployment`, namespace },
  }).spec = {
    selector: { matchLabels: selector },
    template: { metadata: { labels: selector }, spec: { containers: [{ name: "c", image: "i" }] } },
  };
  if (dice.roll(12) > 0) populate(world, "knative-serving", "activator-service", dice);
}

function rescale(sks: Loose, dice: Dice): void {
  Object.assign(sks.spec, {
    mode: dice.pick(["Serve", "Proxy"]),
    numActivators: 1 + dice.roll(4),
    protocolType: dice.pick(["http1", "h2c"]),
  });
}

/** The Endpoints of a Service, as Kubernetes makes them. */
function populate(world: World, place: string, name: string, dice: Dice): void {
  const found = ofKind(world, "Endpoints").find(
    ({ metadata }) => metadata.name === name && metadata.namespace === place,
  );
  const endpoints = found ?? add(world, { apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace: place } });
  const ports = [
    { name: "http", port: 8012 },
    { name: "http2", port: 8013 },
    { name: "https", port: 8112 },
    { name: "m", port: 9090 },
  ];
  endpoints.subsets = Array.from({ length: dice.roll(3) }, (_, subset) => ({
    [dice.roll(4) === 0 ? "notReadyAddresses" : "addresses"]: Array.from(
      { length: 1 + dice.roll(5) },
      (_, address) => ({
        ip: `10.${subset}.0.${address + 1}`,
      }),
    ),
    ports: ports.filter(() => dice.roll(5) > 0),
  }));
}

type Event = (world: World, dice: Dice) => void;

const because = ["", "ContainerMissing", "ExitCode1", "Deploying", "ProgressDeadlineExceeded"];

function condition(world: World, type: string, dice: Dice): Loose {
  const status = dice.pick(["True", "True", "True", "True", "Unknown", "False"]);
  const told = status === "True" ? {} : { reason: dice.pick(because), message: dice.pick(["", "it is so"]) };
  return {
    type,
    status,
    lastTransitionTime: world.now,
    ...Object.fromEntries(Object.entries(told).filter(([, text]) => text)),
  };
}

function pickOf(world: World, dice: Dice, ...kinds: string[]): Loose | undefined {
  const found = ofKind(world, ...kinds);
  return found.length > 0 ? dice.pick(found) : undefined;
}

/** Everything is as it should be, for once. */
const heal: Event = (world) => {
  const conditionsOf = (types: readonly string[]) =>
    types.map((type) => ({ type, status: "True", lastTransitionTime: world.now }));
  for (const object of ofKind(world, "Revision", "Ingress", "Certificate")) {
    const { generation } = object.metadata;
    object.status = {
      ...object.status,
      observedGeneration: generation,
      conditions: conditionsOf(partsOf[object.kind]!),
    };
    if (object.kind !== "Ingress") continue;
    object.status.publicLoadBalancer ??= { ingress: [{ domainInternal: internal }] };
    object.status.privateLoadBalancer ??= { ingress: [{ domainInternal: internal }] };
  }
};

const partsOf: Readonly<Record<string, readonly string[]>> = {
  Revision: ["Ready", "ContainerHealthy", "ResourcesAvailable"],
  Ingress: ["Ready", "LoadBalancerReady", "NetworkConfigured"],
  Certificate: ["Ready"],
};

function judge(object: Loose, conditions: Loose[], dice: Dice, rest: object = {}): void {
  const { generation } = object.metadata;
  const observedGeneration = dice.roll(6) === 0 && generation > 1 ? generation - 1 : generation;
  object.status = { ...(object.status ?? {}), observedGeneration, conditions, ...rest };
}

const settleRevision: Event = (world, dice) => {
  const revision = pickOf(world, dice, "Revision");
  if (!revision) return;
  const ready = condition(world, "Ready", dice);
  const conditions = [
    ready,
    { ...ready, type: "ContainerHealthy" },
    { ...condition(world, "Active", dice), severity: "Info" },
  ];
  judge(revision, dice.roll(8) === 0 ? [] : conditions, dice);
};

const internal = "istio-ingressgateway.istio-system.svc.cluster.local";
const balancers: readonly Loose[] = [
  { ingress: [{ domainInternal: internal }] },
  { ingress: [{ domainInternal: internal }] },
  { ingress: [{ meshOnly: true }] },
  { ingress: [{ ip: "10.1.2.3" }] },
  { ingress: [{ domain: "lb.example.com" }] },
  { ingress: [{ ip: "10.1.2.3" }, { ip: "10.1.2.4" }] },
  { ingress: [{}] },
  { ingress: [] },
];

const settleIngress: Event = (world, dice) => {
  const ingress = pickOf(world, dice, "Ingress");
  if (!ingress) return;
  const ready = condition(world, "Ready", dice);
  const parts = ["LoadBalancerReady", "NetworkConfigured"].map((type) => ({ ...ready, type }));
  judge(ingress, dice.roll(8) === 0 ? [] : [ready, ...parts], dice, {
    ...(dice.roll(8) > 0 && { publicLoadBalancer: structuredClone(dice.pick(balancers)) }),
    ...(dice.roll(8) > 0 && { privateLoadBalancer: structuredClone(dice.pick(balancers)) }),
  });
};

const settleCertificate: Event = (world, dice) => {
  const certificate = pickOf(world, dice, "Certificate");
  if (!certificate) return;
  const [host = ""] = certificate.spec.dnsNames ?? [];
  const challenges = Array.from({ length: dice.roll(3) }, (_, at) => ({
    url: `http://${host}/.well-known/acme-challenge/${String(9 - at)}`,
    serviceName: `cm-${at}`,
    serviceNamespace: dice.pick([namespace, "cert-manager"]),
    servicePort: dice.pick([8090, "http"]),
  }));
  const renewing = dice.roll(4) === 0 ? [{ ...condition(world, "Renewing", dice) }] : [];
  judge(certificate, dice.roll(8) === 0 ? [] : [condition(world, "Ready", dice), ...renewing], dice, {
    http01Challenges: challenges,
  });
};

const addWildcard: Event = (world, dice) => {
  const name = `${namespace}.example.com`;
  const domain = dice.pick(["example.com", "mine.org"]);
  if (
    ofKind(world, "Certificate").some(({ metadata }) => metadata.name === name) ||
    ofKind(world, "Route").length === 0
  )
    return;
  add(world, {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Certificate",
    metadata: { name, namespace, labels: { "networking.knative.dev/wildcardDomain": domain } },
  }).spec = { dnsNames: [dice.pick([`*.${namespace}.${domain}`, `*.${domain}`, "bare"])], secretName: name, domain };
};

const claim: Event = (world, dice) => {
  const mapping = pickOf(world, dice, "DomainMapping");
  if (!mapping || ofKind(world, "ClusterDomainClaim").length > 0) return;
  add(world, {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "ClusterDomainClaim",
    metadata: { name: mapping.metadata.name },
  }).spec = { namespace: dice.pick([namespace, namespace, namespace, "other"]) };
};

const moveTarget: Event = (world, dice) => {
  const target = ofKind(world, "Service", "Route").find(({ metadata }) => metadata.labels?.target);
  if (target) readdress(target, dice);
};

/** The Route that a DomainMapping leads to gets its Ingress, or loses it. */
const openTarget: Event = (world, dice) => {
  const target = ofKind(world, "Route").find(({ metadata }) => metadata.labels?.target);
  if (!target) return;
  const present = ofKind(world, "Ingress").find(({ metadata }) => metadata.name === target.metadata.name);
  if (present && dice.roll(3) === 0) remove(world, present);
  if (present) return;
  const { name } = target.metadata;
  const ingress = add(world, {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: { name, namespace },
  });
  own(ingress, target);
  const hosts = [`${name}.${namespace}.svc.cluster.local`, `${name}.${namespace}.svc`].slice(
    dice.roll(5) === 0 ? 1 : 0,
  );
  const revisions = dice.pick([["t-00001"], ["t-00001", "t-00002"]]);
  const splits = revisions.map((serviceName) => ({
    appendHeaders: { "Knative-Serving-Namespace": namespace, "Knative-Serving-Revision": serviceName },
    percent: 100 / revisions.length,
    serviceName,
    serviceNamespace: namespace,
    servicePort: 80,
  }));
  ingress.spec = {
    httpOption: "Enabled",
    rules: [{ hosts, visibility: "ClusterLocal", http: { paths: [{ splits }] } }],
  };
};

/** A user hides a tag inside the cluster, or shows it. */
const hide: Event = (world, dice) => {
  const service = ofKind(world, "v1 Service").find(({ metadata }) => metadata.labels?.["serving.knative.dev/route"]);
  if (!service) return;
  const label = "networking.knative.dev/visibility";
  if (service.metadata.labels[label]) delete service.metadata.labels[label];
  else service.metadata.labels[label] = dice.pick(["cluster-local", "cluster-local", "public"]);
};

/** Somebody else has a revision of the name that a Configuration wants to give to its next one. */
const takeName: Event = (world, dice) => {
  const configuration = pickOf(world, dice, "Configuration");
  const name = configuration?.spec.template.metadata?.name;
  if (!name || ofKind(world, "Revision").some(({ metadata }) => metadata.name === name)) return;
  const labels = dice.pick([{}, { "serving.knative.dev/configuration": "another" }]);
  const revision = add(world, {
    apiVersion: serving,
    kind: "Revision",
    metadata: { name, namespace, labels },
  });
  revision.spec = structuredClone(configuration.spec.template.spec);
};

const scale: Event = (world, dice) => {
  const sks = pickOf(world, dice, "ServerlessService");
  if (!sks) return;
  rescale(sks, dice);
  grown(sks);
};

const fillEndpoints: Event = (world, dice) => {
  const sks = pickOf(world, dice, "ServerlessService");
  if (!sks) return;
  const privately = ofKind(world, "v1 Service").find(({ spec }) => spec.selector)?.metadata.name;
  if (privately && dice.roll(3) > 0) populate(world, namespace, privately, dice);
  else populate(world, "knative-serving", "activator-service", dice);
};

const made = [
  "Configuration",
  "Route",
  "Revision",
  "Ingress",
  "Certificate",
  "v1 Service",
  "Endpoints",
  "ClusterDomainClaim",
];

const lose: Event = (world, dice) => {
  const object = pickOf(world, dice, ...made);
  if (object?.metadata.ownerReferences || object?.kind === "ClusterDomainClaim") remove(world, object);
};

/** Somebody changes what a controller made. */
const drift: Event = (world, dice) => {
  const object = pickOf(world, dice, ...made);
  if (!object?.metadata.ownerReferences) return;
  const { metadata, spec } = object;
  switch (dice.roll(8)) {
    case 0:
      if (object.kind !== "Revision" && dice.roll(4) === 0) delete metadata.ownerReferences;
      break;
    case 1:
      metadata.labels = dice.pick([{}, { ...metadata.labels, drifted: "yes" }]);
      break;
    case 2:
      metadata.annotations = { ...metadata.annotations, drifted: "yes" };
      break;
    default:
      driftSpec(object, spec, dice);
  }
};

function driftSpec(object: Loose, spec: Loose, dice: Dice): void {
  switch (object.kind) {
    case "Ingress":
      object.spec = dice.pick([
        { ...spec, rules: [] },
        { ...spec, httpOption: "Redirected" },
        { ...spec, tls: [] },
      ]);
      break;
    case "Certificate":
      object.spec = dice.pick([
        { ...spec, secretName: "drifted" },
        { ...spec, dnsNames: ["drifted.example.com"] },
        { ...spec, domain: "" },
      ]);
      break;
    case "Service":
      object.spec = dice.pick([
        ...(spec.type === "ExternalName"
          ? []
          : [
              { ...spec, clusterIP: "10.9.9.9" },
              { ...spec, clusterIP: "None" },
            ]),
        { ...spec, type: "ExternalName", externalName: "drifted" },
        { ...spec, type: "ClusterIP", externalName: undefined },
        { ...spec, ports: [{ name: "x", port: 1 }] },
        { ...spec, selector: { drifted: "yes" } },
        { ...spec, sessionAffinity: "None" },
      ]);
      break;
    case "Endpoints":
      object.subsets = dice.pick([[], [{ addresses: [{ ip: "10.8.8.8" }], ports: [{ port: 1 }] }]]);
      return;
    case "Route":
      object.spec = dice.pick([{ traffic: [] }, { traffic: [...(spec.traffic ?? [])].reverse() }]);
      break;
    case "Configuration":
      object.spec.template.metadata = { ...spec.template.metadata, annotations: { drifted: "yes" } };
      break;
    default:
      return;
  }
  grown(object);
}

/** What happens to a cluster without its users. */
export const events: readonly Event[] = [
  heal,
  heal,
  heal,
  heal,
  settleRevision,
  settleRevision,
  settleRevision,
  settleRevision,
  settleIngress,
  settleIngress,
  settleIngress,
  settleCertificate,
  settleCertificate,
  addWildcard,
  claim,
  moveTarget,
  openTarget,
  hide,
  takeName,
  autoscale,
  runPods,
  runPods,
  scale,
  fillEndpoints,
  lose,
  drift,
];
