import type { KubeObject } from "../../apis/meta.ts";
import { routesAnnotation, routingStateLabel, routingStateModifiedAnnotation } from "../../apis/serving/labels.ts";
import { type RoutingState, routesOf, routingStateOf, timestamp } from "../../apis/serving/routing-state.ts";

/** A merge patch of labels and annotations; null removes one. */
export interface MetadataPatch {
  readonly metadata: {
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string | null>>;
  };
}

/**
 * The patch that makes a Configuration name the Route among its routes, or no longer; undefined where nothing is to be
 * done. Source of both patches: serving v0.42.2 pkg/reconciler/labeler accessors.go.
 */
export function makeConfigurationPatch(
  configuration: KubeObject,
  route: string,
  refers: boolean,
): MetadataPatch | undefined {
  const annotations = routesChange(configuration, route, refers);
  return annotations && { metadata: { annotations } };
}

/** Like makeConfigurationPatch, with the Revision's routing state and the time of its change. */
export function makeRevisionPatch(
  revision: KubeObject,
  route: string,
  refers: boolean,
  nowMs: number,
): MetadataPatch | undefined {
  const annotations = routesChange(revision, route, refers);
  const routes = annotations ? annotations[routesAnnotation] : routesOf(revision).join(",");
  const state: RoutingState = routes ? "active" : "reserve";
  if (routingStateOf(revision) === state) return annotations && { metadata: { annotations } };
  return {
    metadata: {
      labels: { [routingStateLabel]: state },
      annotations: { ...annotations, [routingStateModifiedAnnotation]: timestamp(nowMs) },
    },
  };
}

function routesChange(object: KubeObject, route: string, refers: boolean): Record<string, string | null> | undefined {
  const routes = routesOf(object);
  if (routes.includes(route) === refers) return undefined;
  const left = refers ? [...routes, route] : routes.filter((name) => name !== route);
  return { [routesAnnotation]: left.length > 0 ? left.join(",") : null };
}
