/**
 * Makes requests for `npm run answer` out of clusters that live: users make and change things, controllers work on them
 * (ours), gateways and certificate providers answer, somebody meddles, time goes by. Prints every pass of a controller
 * as a request a line, the same ones for the same seed and time.
 *
 *   node test/walked-cases.ts --seed 1 --count 5000 [--now 2026-01-02T03:04:05Z]
 *
 * The time must be the present one where upstream answers, since rollouts go by its clock.
 */
import { parseArgs } from "node:util";
import { dice } from "../src/testing/mutate.ts";
import { questionOf } from "./walks/builders.ts";
import { events, makeServerlessService } from "./walks/cluster.ts";
import { configure } from "./walks/settings.ts";
import { change, makeBare, makeMapping, makeService } from "./walks/users.ts";
import { age, pass, remove, requestOf, type World } from "./walks/world.ts";

const { values } = parseArgs({
  options: {
    seed: { type: "string", default: "1" },
    count: { type: "string", default: "1000" },
    now: { type: "string", default: new Date().toISOString().replace(/\.\d+/, "") },
  },
});

const hourMs = 3_600_000;
const stepsOfWorld = 150;
const random = dice(Number(values.seed));
const beginnings = [
  ...[makeService, makeService, makeService, makeService],
  ...[makeBare, makeBare, makeBare, makeBare],
  ...[makeMapping, makeMapping, makeServerlessService],
];

/** The controllers of a kind, more often those that have more to do. */
const controllers: Readonly<Record<string, readonly string[]>> = {
  "serving.knative.dev/v1 Service": ["service"],
  "serving.knative.dev/v1 Configuration": ["configuration", "configuration", "gc"],
  "serving.knative.dev/v1 Route": ["route", "route", "route", "labeler"],
  "serving.knative.dev/v1beta1 DomainMapping": ["domainmapping"],
  "networking.internal.knative.dev/v1alpha1 ServerlessService": ["serverlessservice"],
};

function live(world: World): void {
  for (let left = random.roll(3); left > 0; left--) {
    const roll = random.roll(20);
    if (roll < 3) change(world, random);
    else if (roll < 4) configure(world, random);
    else if (roll < 6) age(world, random.pick([hourMs, 3 * hourMs, 50 * hourMs]));
    else if (roll < 7 && random.roll(3) === 0) remove(world, random.pick(world.objects));
    else random.pick(events)(world, random);
    if (world.objects.length === 0) return;
  }
}

for (let count = 0; count < Number(values.count); ) {
  const world: World = { objects: [], config: {}, now: values.now, made: 0 };
  if (random.roll(3) > 0) world.config["config-network"] = { "autocreate-cluster-domain-claims": "true" };
  if (random.roll(2) === 0) configure(world, random);
  if (random.roll(2) === 0) configure(world, random);
  random.pick(beginnings)(world, random);
  for (let step = 0; step < stepsOfWorld && world.objects.length > 0 && count < Number(values.count); step++) {
    const looked = world.objects.filter(
      ({ apiVersion, kind, metadata }) => `${apiVersion} ${kind}` in controllers && !metadata.labels?.["target"],
    );
    if (looked.length === 0) break;
    const object = random.pick(looked);
    const controller = random.pick(controllers[`${object.apiVersion} ${object.kind}`]!);
    const request = requestOf(world, controller, object);
    const id = `walked-${values.seed}-${count}`;
    // That nothing is to be done is a case as well, but not as telling.
    if ((await pass(world, request)) || random.roll(4) === 0) {
      console.log(JSON.stringify({ ...request, id }));
      count += 1;
    }
    const question = random.roll(4) === 0 ? questionOf(world, random) : undefined;
    if (question) {
      console.log(JSON.stringify({ ...question, id: `walked-${values.seed}-${count}` }));
      count += 1;
    }
    live(world);
  }
}
