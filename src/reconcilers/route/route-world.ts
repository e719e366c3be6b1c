import { controllerReference, type KubeObject } from "../../apis/meta.ts";
import type { Route } from "../../apis/serving/route.ts";
import type { ConfigData } from "../../config/fields.ts";
import { parseServingConfig } from "../../config/serving-config.ts";
import { conditions, testConfiguration, testRevision } from "../../testing/serving-objects.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { routeReconciler } from "./reconcile.ts";

export type Maps = Readonly<Record<string, ConfigData>>;

export const rowOf = (objects: readonly KubeObject[], maps: Maps = {}) => ({
  ...routeReconciler,
  key: "ns/hello",
  objects,
  config: parseServingConfig(maps),
});
export const run = (objects: readonly KubeObject[], maps: Maps = {}) => reconcileOnce(rowOf(objects, maps));

export const ready = conditions({ Ready: "True" });
const configuration = testConfiguration({ status: { ...ready, latestReadyRevisionName: "hello-00002" } });
export const revisions = [testRevision(1, { status: ready }), testRevision(2, { status: ready })];
export const world = [configuration, ...revisions];
export const publicDomain = { "config-domain": { "example.com": "" } };

export function owned(route: Route): Pick<KubeObject["metadata"], "namespace" | "ownerReferences"> {
  return { namespace: "ns", ownerReferences: [controllerReference(route)] };
}

export function statusOf(report: { readonly statusUpdates: readonly KubeObject[] }): NonNullable<Route["status"]> {
  return (report.statusUpdates[0] as Route).status!;
}
