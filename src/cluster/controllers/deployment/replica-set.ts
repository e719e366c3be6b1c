import type { Deployment } from "../../../apis/core/deployment.ts";
import type { PodTemplateSpec } from "../../../apis/core/pod-spec.ts";
import type { ReplicaSet } from "../../../apis/core/replicaset.ts";
import { controllerReference, lastAppliedAnnotation } from "../../../apis/meta.ts";
import { semanticEqual } from "../../../kube/semantic.ts";
import { templateHash } from "../template-hash.ts";
import { type Bounds, boundsOf } from "./bounds.ts";
import type { SetSize } from "./scaling.ts";

const hashLabel = "pod-template-hash";
export const revisionAnnotation = "deployment.kubernetes.io/revision";
const historyAnnotation = "deployment.kubernetes.io/revision-history";
const desiredAnnotation = "deployment.kubernetes.io/desired-replicas";
const maxAnnotation = "deployment.kubernetes.io/max-replicas";

/** Annotations of a Deployment that its ReplicaSets do not take over. */
const ownAnnotations = new Set([
  lastAppliedAnnotation,
  revisionAnnotation,
  historyAnnotation,
  desiredAnnotation,
  maxAnnotation,
  "deprecated.deployment.rollback.to",
]);

/** The ReplicaSet whose template is the Deployment's; the oldest, where there are several. */
export function findNewSet(deployment: Deployment, sets: readonly ReplicaSet[]): ReplicaSet | undefined {
  const oldestFirst = [...sets].sort(
    (a, b) => createdAt(a) - createdAt(b) || (a.metadata.name < b.metadata.name ? -1 : 1),
  );
  return oldestFirst.find((set) => sameTemplate(set.spec.template, deployment.spec.template));
}

/** Whether two templates differ in nothing but the hash that was added to one of them. */
export function sameTemplate(a: PodTemplateSpec | undefined, b: PodTemplateSpec | undefined): boolean {
  return semanticEqual(withoutHash(a), withoutHash(b));
}

function withoutHash(template: PodTemplateSpec | undefined): unknown {
  const { [hashLabel]: _, ...labels } = template?.metadata?.labels ?? {};
  return { ...template, metadata: { ...template?.metadata, labels, creationTimestamp: undefined } };
}

/** The ReplicaSet of the Deployment's present template. */
export function makeReplicaSet(deployment: Deployment, revision: number, replicas: number): ReplicaSet {
  const { template, selector, minReadySeconds } = deployment.spec;
  const hash = templateHash(template, deployment.status?.collisionCount);
  const labels = { ...template?.metadata?.labels, [hashLabel]: hash };
  return {
    apiVersion: "apps/v1",
    kind: "ReplicaSet",
    metadata: {
      name: `${deployment.metadata.name.slice(0, 252 - hash.length)}-${hash}`,
      namespace: deployment.metadata.namespace ?? "",
      labels,
      annotations: {
        ...inheritedAnnotations(deployment),
        [revisionAnnotation]: String(revision),
        ...sizeAnnotations(boundsOf(deployment)),
      },
      ownerReferences: [controllerReference(deployment)],
    },
    spec: {
      replicas,
      ...(minReadySeconds !== undefined && { minReadySeconds }),
      selector: { ...selector, matchLabels: { ...selector?.matchLabels, [hashLabel]: hash } },
      template: { ...template, metadata: { ...template?.metadata, labels } },
    },
  };
}

/** What remembers, on a ReplicaSet, the Deployment's size at the time. */
export function sizeAnnotations(bounds: Bounds): Record<string, string> {
  return {
    [desiredAnnotation]: String(bounds.replicas),
    [maxAnnotation]: String(bounds.replicas + bounds.maxSurge),
  };
}

/** The annotations that the ReplicaSet of the present template should have, beside those about its size. */
export function wantedAnnotations(deployment: Deployment, set: ReplicaSet, revision: number): Record<string, string> {
  const present = set.metadata.annotations ?? {};
  const before = present[revisionAnnotation];
  const history = present[historyAnnotation];
  const reused = before !== undefined && Number(before) < revision;
  return {
    ...inheritedAnnotations(deployment),
    [revisionAnnotation]: String(revision),
    ...(reused && { [historyAnnotation]: [...(history ? history.split(",") : []), before].slice(-100).join(",") }),
  };
}

function inheritedAnnotations(deployment: Deployment): Record<string, string> {
  const all = Object.entries(deployment.metadata.annotations ?? {});
  return Object.fromEntries(all.filter(([name]) => !ownAnnotations.has(name)));
}

export function revisionOf(set: ReplicaSet): number {
  return Number(set.metadata.annotations?.[revisionAnnotation] ?? 0) || 0;
}

export function sizeOf(set: ReplicaSet): SetSize {
  const number = (text: string | undefined) => (text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined);
  return {
    name: set.metadata.name,
    replicas: set.spec.replicas ?? 1,
    available: set.status?.availableReplicas ?? 0,
    createdAtMs: createdAt(set),
    desiredThen: number(set.metadata.annotations?.[desiredAnnotation]),
    maxThen: number(set.metadata.annotations?.[maxAnnotation]),
  };
}

function createdAt(set: ReplicaSet): number {
  return Date.parse(set.metadata.creationTimestamp ?? "") || 0;
}
