import type { Dice } from "../../src/testing/mutate.ts";
import { configMapsOf, type Loose, ofKind, type World } from "./world.ts";

/** Requests that ask what single parts of the control plane make of what a cluster holds now. */
type Question = (world: World, dice: Dice) => Loose | undefined;

/** The objects that controllers see of one of these kinds, if there is any. */
function one(world: World, dice: Dice, ...kinds: string[]): Loose | undefined {
  const found = ofKind(world, ...kinds).filter(({ metadata }) => !metadata.labels?.target);
  return found.length > 0 ? dice.pick(found) : undefined;
}

function make(resource: string, inputs: Loose): Loose {
  return { op: "make", resource, ...inputs };
}

const ofService: Question = (world, dice) => {
  const service = one(world, dice, "serving.knative.dev/v1 Service");
  const configuration = ofKind(world, "Configuration").find(({ metadata }) => metadata.name === service?.metadata.name);
  return service && make(dice.pick(["configuration", "route"]), { service, configuration });
};

const ofConfiguration: Question = (world, dice) => {
  const configuration = one(world, dice, "Configuration");
  return configuration && make("revision", { configuration, now: world.now });
};

const ofRevision: Question = (world, dice) => {
  const revision = one(world, dice, "Revision");
  if (!revision) return undefined;
  const { image } = revision.spec.containers[0];
  const containerName = "user-container";
  return make(dice.pick(["deployment", "deployment", "deployment", "podspec", "podautoscaler", "imagecache"]), {
    revision,
    containerName,
    image,
  });
};

const ofPodAutoscaler: Question = (world, dice) => {
  const podautoscaler = one(world, dice, "PodAutoscaler");
  return (
    podautoscaler &&
    make(dice.pick(["metric", "decider", "metric-target", "hpa", "serverlessservice"]), {
      podautoscaler,
      metricService: `${podautoscaler.metadata.name}-private`,
      mode: dice.pick(["Serve", "Proxy"]),
      numActivators: dice.roll(5),
    })
  );
};

const ofServerlessService: Question = (world, dice) => {
  const serverlessservice = one(world, dice, "ServerlessService");
  const endpoints = one(world, dice, "Endpoints");
  return (
    serverlessservice &&
    endpoints &&
    make(dice.pick(["sks-public-service", "sks-private-service", "sks-public-endpoints"]), {
      serverlessservice,
      endpoints,
      selector: { app: serverlessservice.metadata.name },
    })
  );
};

/** A Route with all that its traffic depends on. */
function trafficOf(world: World, dice: Dice): Loose | undefined {
  const route = one(world, dice, "Route");
  const { name = "" } = route?.metadata ?? {};
  return (
    route && {
      route,
      configurations: ofKind(world, "Configuration"),
      revisions: ofKind(world, "Revision"),
      services: ofKind(world, "v1 Service").filter(
        ({ metadata }) => metadata.labels?.["serving.knative.dev/route"] === name,
      ),
    }
  );
}

const ofRoute: Question = (world, dice) => {
  const inputs = trafficOf(world, dice);
  if (!inputs) return undefined;
  const tag = dice.pick(["", "a", "b", "current"]);
  const ingress = ofKind(world, "Ingress").find(({ metadata }) => metadata.name === inputs.route.metadata.name);
  const roll = dice.roll(5);
  if (roll < 2) return { op: "traffic", ...inputs };
  if (roll < 3) return make("ingress", inputs);
  if (roll < 4 || !ingress) return make("placeholder-service", { route: inputs.route, tag });
  return make("k8s-service", { route: inputs.route, tag, ingress, isPrivate: dice.roll(2) === 0 });
};

const ofIngress: Question = (world, dice) => {
  const ingress = one(world, dice, "Ingress");
  if (!ingress) return undefined;
  // Typed inputs come back typed, and only from upstream.
  const { apiVersion: _, kind: __, ...untyped } = ingress;
  return { op: "ingress", ingress: untyped, visibilityToKeys: { ExternalIP: ["out"], ClusterLocal: ["in"] } };
};

const ofGarbage: Question = (world, dice) => {
  const configuration = one(world, dice, "Configuration");
  const { name = "" } = configuration?.metadata ?? {};
  const revisions = ofKind(world, "Revision").filter(
    ({ metadata }) => metadata.labels?.["serving.knative.dev/configuration"] === name,
  );
  return configuration && { op: "gc", configuration, revisions, now: world.now };
};

const ofDomainMapping: Question = (world, dice) => {
  const domainmapping = one(world, dice, "DomainMapping");
  const resource = dice.pick(["domainmapping-ingress", "domainmapping-certificate", "domainmapping-claim"]);
  const hostName = "t.ns.svc.cluster.local";
  return domainmapping && make(resource, { domainmapping, backendServiceName: "t", hostName });
};

const questions: readonly Question[] = [
  ofService,
  ofConfiguration,
  ofRevision,
  ofRevision,
  ofRevision,
  ofPodAutoscaler,
  ofPodAutoscaler,
  ofServerlessService,
  ofRoute,
  ofRoute,
  ofIngress,
  ofGarbage,
  ofDomainMapping,
];

/** Asks for one of the things that can be made of what there is; undefined where there is nothing to make it of. */
export function questionOf(world: World, dice: Dice): Loose | undefined {
  const question = dice.pick(questions)(world, dice);
  return question && structuredClone({ ...question, configMaps: configMapsOf(world) });
}
