import type { LabelSelector } from "../../apis/meta.ts";
import {
  lastPinnedAnnotation,
  noGcAnnotation,
  revisionLabel,
  revisionUidLabel,
  routeLabel,
  routesAnnotation,
  routingStateLabel,
  routingStateModifiedAnnotation,
} from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";

const ownLabels: readonly string[] = [routeLabel, routingStateLabel];
const ownAnnotations: readonly string[] = [
  lastPinnedAnnotation,
  noGcAnnotation,
  routingStateModifiedAnnotation,
  routesAnnotation,
];

/**
 * The labels of a revision's children: the revision's own, but for its routing state, and which revision it is.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/meta.go.
 */
export function makeLabels(revision: Revision): Record<string, string> {
  const labels = without(revision.metadata.labels, ownLabels);
  labels[revisionLabel] = revision.metadata.name;
  labels[revisionUidLabel] = revision.metadata.uid ?? "";
  labels.app ??= revision.metadata.name;
  return labels;
}

/** The annotations of a revision's children. */
export function makeAnnotations(revision: Revision): Record<string, string> {
  return without(revision.metadata.annotations, ownAnnotations);
}

/** Selects the pods of a revision, and of no namesake made before or after it. */
export function makeSelector(revision: Revision): LabelSelector {
  return { matchLabels: { [revisionUidLabel]: revision.metadata.uid ?? "" } };
}

function without(map: Readonly<Record<string, string>> | undefined, keys: readonly string[]): Record<string, string> {
  return Object.fromEntries(Object.entries(map ?? {}).filter(([key]) => !keys.includes(key)));
}
