import { parseServingConfig } from "../../src/config/serving-config.ts";
import { configDataOf } from "../../src/main/answer/config-maps.ts";
import { makeDeployment } from "../../src/reconcilers/revision/deployment.ts";
import { makePodAutoscaler } from "../../src/reconcilers/revision/pod-autoscaler.ts";
import type { Dice } from "../../src/testing/mutate.ts";
import { add, configMapsOf, type Loose, ofKind, type World } from "./world.ts";

const installation = { systemNamespace: "knative-serving", metricsDomain: "knative.dev/internal/serving" };

/** A revision gets its autoscaler, or one that goes by what the revision says now: it is reachable, or no longer. */
export function autoscale(world: World, dice: Dice): void {
  const revisions = ofKind(world, "Revision");
  if (revisions.length === 0) return;
  const revision = dice.pick(revisions);
  const config = parseServingConfig(configDataOf(configMapsOf(world)));
  const made = makePodAutoscaler(revision, makeDeployment(revision, config, installation));
  const present = ofKind(world, "PodAutoscaler").find(({ metadata }) => metadata.name === made.metadata.name);
  if (present) present.spec = made.spec;
  else add(world, made);
}

/** Pods of a revision come up, crash, or are taken away: its public Endpoints say so. */
export function runPods(world: World, dice: Dice): void {
  const revisions = ofKind(world, "Revision");
  if (revisions.length === 0) return;
  const { name, namespace } = dice.pick(revisions).metadata;
  const found = ofKind(world, "Endpoints").find(({ metadata }) => metadata.name === name);
  const endpoints: Loose = found ?? add(world, { apiVersion: "v1", kind: "Endpoints", metadata: { name, namespace } });
  const field = dice.pick(["addresses", "addresses", "notReadyAddresses"]);
  const addresses = Array.from({ length: 1 + dice.roll(2) }, (_, at) => ({ ip: `10.7.0.${at + 1}` }));
  endpoints.subsets = dice.roll(4) === 0 ? [] : [{ [field]: addresses, ports: [{ name: "http", port: 8012 }] }];
}
