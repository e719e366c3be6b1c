import { initialScaleAnnotations, minScaleAnnotations } from "../../apis/autoscaling/labels.ts";
import { Deployment } from "../../apis/core/deployment.ts";
import { apiVersionOf } from "../../apis/kind.ts";
import { controllerReference } from "../../apis/meta.ts";
import { progressDeadlineAnnotation } from "../../apis/serving/labels.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { routingStateOf } from "../../apis/serving/routing-state.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import { DurationError, parseDuration } from "../../lib/duration.ts";
import { messageOf } from "../../lib/error-message.ts";
import { makeAnnotations, makeLabels, makeSelector } from "./meta.ts";
import { deploymentName } from "./names.ts";
import { makePodSpec } from "./pod-spec.ts";
import type { Installation } from "./queue-container.ts";

/**
 * The Deployment of a revision. Throws an Error where a probe cannot be handed to queue-proxy.
 * Source: serving v0.42.2 pkg/reconciler/revision/resources/deploy.go MakeDeployment.
 */
export function makeDeployment(revision: Revision, config: ServingConfig, installation: Installation): Deployment {
  let podSpec: ReturnType<typeof makePodSpec>;
  try {
    podSpec = makePodSpec(revision, config, installation);
  } catch (cause) {
    throw new Error(`failed to create PodSpec: failed to create queue-proxy container: ${messageOf(cause)}`, { cause });
  }
  const labels = makeLabels(revision);
  const annotations = makeAnnotations(revision);
  return {
    apiVersion: apiVersionOf(Deployment),
    kind: Deployment.kind,
    metadata: {
      name: deploymentName(revision),
      namespace: revision.metadata.namespace ?? "",
      labels,
      annotations,
      ownerReferences: [controllerReference(revision)],
    },
    spec: {
      replicas: initialScale(revision, config),
      selector: makeSelector(revision),
      progressDeadlineSeconds: progressDeadlineSeconds(revision, config),
      // Slowly, so that capacity is never lost.
      strategy: { type: "RollingUpdate", rollingUpdate: { maxUnavailable: 0 } },
      template: { metadata: { labels, annotations }, spec: podSpec },
    },
  };
}

const largestInt32 = 2 ** 31 - 1;

/**
 * The pods that a new Deployment begins with: the initial scale, or the least scale of a revision that Routes may lead
 * to, which the autoscaler would set at once.
 */
export function firstScale(revision: Revision, config: ServingConfig): number {
  const initial = initialScale(revision, config);
  if (routingStateOf(revision) === "reserve") return initial;
  return Math.max(initial, scaleOf(revision, minScaleAnnotations) ?? config.autoscaler.minScale);
}

function initialScale(revision: Revision, config: ServingConfig): number {
  return scaleOf(revision, initialScaleAnnotations) ?? config.autoscaler.initialScale;
}

/** The number of an annotation that goes by several names; undefined where it is not there. */
function scaleOf(revision: Revision, aliases: readonly string[]): number | undefined {
  const wish = aliases.map((key) => revision.metadata.annotations?.[key]).find((value) => value !== undefined);
  if (wish === undefined) return undefined;
  return /^[+-]?\d+$/.test(wish) ? Math.max(-largestInt32 - 1, Math.min(largestInt32, Number(wish))) : 0;
}

function progressDeadlineSeconds(revision: Revision, config: ServingConfig): number {
  const wish = revision.metadata.annotations?.[progressDeadlineAnnotation];
  const deadlineMs = wish === undefined ? config.deployment.progressDeadlineMs : durationMs(wish);
  return Math.trunc(deadlineMs / 1000);
}

/** Admission refuses other texts; in objects older than that they count as 0. */
function durationMs(text: string): number {
  try {
    return parseDuration(text);
  } catch (error) {
    if (error instanceof DurationError) return 0;
    throw error;
  }
}
