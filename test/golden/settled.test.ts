import assert from "node:assert/strict";
import { test } from "node:test";
import type { Endpoints } from "../../src/apis/core/endpoints.ts";
import type { Kind } from "../../src/apis/kind.ts";
import { isControlledBy, type KubeObject, keyOf } from "../../src/apis/meta.ts";
import { ClusterDomainClaim } from "../../src/apis/networking/clusterdomainclaim.ts";
import { Configuration } from "../../src/apis/serving/configuration.ts";
import { DomainMapping } from "../../src/apis/serving/domainmapping.ts";
import { routesAnnotation, routingStateLabel, routingStateModifiedAnnotation } from "../../src/apis/serving/labels.ts";
import { Revision } from "../../src/apis/serving/revision.ts";
import { Route } from "../../src/apis/serving/route.ts";
import type { ServingConfig } from "../../src/config/serving-config.ts";
import type { Reconciler } from "../../src/kube/pass.ts";
import { domainMappingReconciler } from "../../src/reconcilers/domainmapping/reconcile.ts";
import { gcReconciler } from "../../src/reconcilers/gc/reconcile.ts";
import { labelerReconciler } from "../../src/reconcilers/labeler/reconcile.ts";
import { reconcileOnce } from "../../src/testing/table.ts";
import { type Difference, differences, type Result, staleMarks } from "./differences.ts";
import { toldAnew, toldByUs } from "./events.ts";
import {
  essence,
  isOfKind,
  objectsOf,
  passedAt,
  type Step,
  type Subject,
  scenarios,
  statusEssence,
} from "./recorded.ts";
import { type Trial, type TriedReconciler, trials } from "./trials.ts";

/** The activator's Service has Endpoints though no activator runs. */
const activator: Endpoints = {
  apiVersion: "v1",
  kind: "Endpoints",
  metadata: { name: "activator-service", namespace: "knative-serving" },
};

const seen = new Set<Difference>();

for (const scenario of scenarios) {
  for (const step of scenario.steps) {
    for (const trial of trials) {
      for (const object of objectsOf(step, trial.kind)) {
        const reconciler = trial.reconciler(object, step);
        const subject: Subject = { scenario, step, object };
        test(`${scenario.name}, ${step.name}: ${trial.kind.kind} ${object.metadata.name} is as the original's`, async () => {
          const groups = trial.children?.(object) ?? [];
          const recorded = step.objects.filter((child) => groups.some((kinds) => isChild(child, object, kinds)));
          const expected: Result = {
            status: statusEssence((object as { status?: object }).status),
            children: essences(recorded),
            events: toldAnew(subject, recorded.map(nameOf)),
          };
          const judged = await judge(subject, trial, reconciler);
          const made = await Promise.all(groups.map((kinds) => makeAnew(subject, trial, reconciler, kinds)));
          const actual: Result = {
            status: statusEssence(judged.outcome?.status),
            children: essences(made.flatMap(({ children }) => children)),
            events: toldByUs([judged, ...made.map(({ report }) => report)].flatMap(({ events }) => events)),
          };
          for (const difference of differences.filter(({ applies }) => applies(subject))) {
            const before = structuredClone(expected);
            difference.change(expected, subject);
            assert.notDeepEqual(expected, before, `no difference any more: ${difference.why}`);
            seen.add(difference);
          }
          assert.deepEqual(actual, expected);
        });
        if (differences.some(({ applies }) => applies(subject))) continue;
        test(`${scenario.name}, ${step.name}: ${trial.kind.kind} ${object.metadata.name} is taken over as it is`, async () => {
          const { actions } = await pass(subject, reconciler, [...step.objects, ...othersOf(subject, trial)]);
          // Those get the queue-proxy of our version.
          assert.deepEqual(
            actions.filter(({ resource }) => resource !== "deployments"),
            [],
          );
        });
      }
    }
    if (staleMarks.includes(scenario.name)) continue;
    for (const object of objectsOf(step, Route)) {
      test(`${scenario.name}, ${step.name}: what Route ${object.metadata.name} leads to is marked as by the original`, async () => {
        const { actions } = await pass({ scenario, step, object }, labelerReconciler as never, step.objects);
        assert.deepEqual(actions, []);
      });
    }
    test(`${scenario.name}, ${step.name}: the marks of Routes come anew as the original's`, async () => {
      let objects = step.objects.map((object) => unmarked(object, step));
      for (const route of objectsOf(step, Route)) {
        const { client } = await pass({ scenario, step, object: route }, labelerReconciler as never, objects);
        objects = objects.map((object) =>
          isMarked(object) ? client.stored(kindOf(object), object.metadata)! : object,
        );
      }
      assert.deepEqual(marksOf(objects), marksOf(step.objects));
    });
    for (const object of objectsOf(step, DomainMapping)) {
      if (!scenario.config.network.autocreateClusterDomainClaims) continue;
      test(`${scenario.name}, ${step.name}: DomainMapping ${object.metadata.name} claims its domain as the original's`, async () => {
        const unclaimed = step.objects.filter((other) => !isOfKind(other, ClusterDomainClaim));
        const { creates } = await pass({ scenario, step, object }, domainMappingReconciler as never, unclaimed);
        const made = creates.filter((created) => isOfKind(created, ClusterDomainClaim));
        assert.deepEqual(essences(made), essences(objectsOf(step, ClusterDomainClaim)));
      });
    }
    for (const object of objectsOf(step, Configuration)) {
      test(`${scenario.name}, ${step.name}: of Configuration ${object.metadata.name} no Revision is left to collect`, async () => {
        const { actions } = await pass({ scenario, step, object }, gcReconciler as never, step.objects);
        assert.deepEqual(actions, []);
      });
    }
  }
}

test("every difference that is listed was seen", () => {
  assert.deepEqual(
    differences.filter((difference) => !seen.has(difference)).map(({ why }) => why),
    [],
  );
});

/** Lets the controller come to a status from none. */
async function judge(subject: Subject, trial: Trial, reconciler: TriedReconciler) {
  const { object, step } = subject;
  const rest = [...step.objects.filter((other) => other !== object), ...othersOf(subject, trial)];
  const { status: _, ...bare } = object as KubeObject & { status?: object };
  const start = trial.keepsStatus?.(object) ? object : bare;
  if (!trial.later) return pass(subject, reconciler, [start, ...rest]);
  const early = rest.filter((other) => !isChild(other, object, trial.later!));
  const first = await pass(subject, reconciler, [start, ...early]);
  const second = await pass(subject, reconciler, [{ ...bare, status: first.outcome?.status } as KubeObject, ...rest]);
  return { ...second, events: [...first.events, ...second.events] };
}

/** Lets the controller make the children of some kinds where there are none. */
async function makeAnew(
  subject: Subject,
  trial: Trial,
  reconciler: TriedReconciler,
  kinds: readonly Kind<KubeObject>[],
) {
  const { object, step } = subject;
  const rest = step.objects.filter((other) => !isChild(other, object, kinds));
  const report = await pass(subject, reconciler, [...rest, ...othersOf(subject, trial)]);
  return { report, children: [...report.creates, ...report.updates].filter((child) => isChild(child, object, kinds)) };
}

function isMarked(object: KubeObject): object is Revision | Configuration {
  return isOfKind(object, Revision) || isOfKind(object, Configuration);
}

function kindOf(object: KubeObject): Kind<KubeObject> {
  return isOfKind(object, Revision) ? Revision : Configuration;
}

/** As its controller made it; what a Route has left is as it was while the Route led to it, if that is still there. */
function unmarked(object: KubeObject, step: Step): KubeObject {
  if (!isMarked(object)) return object;
  const { labels = {}, annotations = {}, ownerReferences = [] } = object.metadata;
  const { [routesAnnotation]: _, ...unrouted } = annotations;
  const state = labels[routingStateLabel];
  const wasRouted = state === "reserve";
  if (wasRouted && objectsOf(step, Route).length === 0) return object;
  const metadata = {
    ...object.metadata,
    labels: state ? { ...labels, [routingStateLabel]: wasRouted ? "active" : "pending" } : labels,
    annotations: wasRouted ? { ...unrouted, [routesAnnotation]: ownerReferences[0]!.name } : unrouted,
  };
  return { ...object, metadata };
}

/** The labels and annotations of what Routes mark, but when that was. */
function marksOf(objects: readonly KubeObject[]): object {
  const entries = objects.filter(isMarked).map((object) => {
    const { labels = {}, annotations = {} } = object.metadata;
    const { [routingStateModifiedAnnotation]: modified, ...rest } = annotations;
    return [nameOf(object), { labels, annotations: { ...rest, isModified: modified !== undefined } }] as const;
  });
  return Object.fromEntries(entries);
}

function essences(objects: readonly KubeObject[]): Result["children"] {
  return Object.fromEntries(objects.map((object) => [nameOf(object), essence(object)]));
}

function pass({ scenario, object }: Subject, reconciler: TriedReconciler, objects: readonly KubeObject[]) {
  type Any = Reconciler<KubeObject & { status?: object }, unknown, ServingConfig>;
  const world = { key: keyOf(object), objects, config: scenario.config, now: passedAt };
  return reconcileOnce({ ...(reconciler as unknown as Any), ...world });
}

function othersOf({ object, step }: Subject, trial: Trial): readonly KubeObject[] {
  return [activator, ...(trial.others?.(object, step) ?? [])];
}

function isChild(child: KubeObject, object: KubeObject, kinds: readonly Kind<KubeObject>[]): boolean {
  return isControlledBy(child, object) && kinds.some((kind) => isOfKind(child, kind));
}

function nameOf({ kind, metadata }: KubeObject): string {
  return `${kind} ${metadata.name}`;
}
