import { admissionKinds, defaultObject, validateObject } from "../../src/apis/admission.ts";
import type { KubeObject } from "../../src/apis/meta.ts";
import { parseServingConfig } from "../../src/config/serving-config.ts";
import { configDataOf } from "../../src/main/answer/config-maps.ts";
import type { Dice } from "../../src/testing/mutate.ts";
import { changeMapping, readdress } from "./mappings.ts";
import { template } from "./templates.ts";
import { editTraffic, traffic } from "./traffic.ts";
import { add, configMapsOf, grown, type Loose, namespace, serving, type World } from "./world.ts";

const longName = "a-name-that-leaves-hardly-any-room-for-what-has-to-be-added";

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
