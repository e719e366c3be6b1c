import { Service } from "../../apis/core/service.ts";
import { resourceNameOf } from "../../apis/kind.ts";
import { allKinds } from "../../apis/kinds.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import { reasonFor } from "../../kube/errors.ts";
import type { Reconciler } from "../../kube/pass.ts";
import { isoTime } from "../../lib/iso-time.ts";
import { configurationReconciler } from "../../reconcilers/configuration/reconcile.ts";
import { domainMappingReconciler } from "../../reconcilers/domainmapping/reconcile.ts";
import { gcReconciler } from "../../reconcilers/gc/reconcile.ts";
import { labelerReconciler } from "../../reconcilers/labeler/reconcile.ts";
import { routeReconciler } from "../../reconcilers/route/reconcile.ts";
import { serverlessServiceReconciler } from "../../reconcilers/serverlessservice/reconcile.ts";
import { serviceReconciler } from "../../reconcilers/service/reconcile.ts";
import type { Action } from "../../testing/fake-client.ts";
import { type Report, type Row, reconcileOnce } from "../../testing/table.ts";
import { configDataOf, type RequestConfigMaps } from "./config-maps.ts";

export interface ReconcileRequest {
  readonly controller: string;
  readonly key: string;
  readonly objects?: readonly KubeObject[];
  readonly configMaps?: RequestConfigMaps;
  /** RFC 3339; what "NOW" means in the answer. */
  readonly now?: string;
}

type Runner = (
  world: Pick<Row<KubeObject, unknown, ServingConfig>, "key" | "objects" | "config" | "now">,
) => Promise<Report<KubeObject>>;

function running<T extends KubeObject, Deps>(reconciler: Reconciler<T, Deps, ServingConfig>): Runner {
  return (world) => reconcileOnce<T, Deps, ServingConfig>({ ...reconciler, ...world }) as Promise<Report<KubeObject>>;
}

const controllers: Readonly<Record<string, Runner>> = {
  domainmapping: running(domainMappingReconciler),
  route: running(routeReconciler),
  serverlessservice: running(serverlessServiceReconciler),
  service: running(serviceReconciler),
  configuration: running(configurationReconciler),
  // Upstream's holds back every Route's deletion.
  labeler: running({ ...labelerReconciler, finalizer: { ...labelerReconciler.finalizer, isNeeded: () => true } }),
  gc: running(gcReconciler),
};

/** Op `reconcile`: what one pass of a controller writes and tells. Throws for controllers that it does not know. */
export async function answerReconcile(request: ReconcileRequest): Promise<unknown> {
  const now = request.now ?? new Date().toISOString();
  const report = await runController({ ...request, now });
  return {
    ...(report.error !== undefined && { error: reasonFor(report.error) }),
    actions: markNow(asUpstreamRecords(report.actions, request.objects ?? []), Date.parse(now)),
    events: report.events,
  };
}

/** One pass of the controller that a request names. */
export async function runController(request: ReconcileRequest): Promise<Report<KubeObject>> {
  const run = controllers[request.controller];
  if (!run) throw new Error(`unknown controller ${JSON.stringify(request.controller)}`);
  const { key, objects = [], configMaps, now } = request;
  const config = parseServingConfig(configDataOf(configMaps));
  return run({ key, objects, config, ...(now !== undefined && { now }) });
}

/** Op `gc`: which revisions of a configuration are deleted. */
export async function answerGc(request: {
  readonly configuration: KubeObject;
  readonly revisions?: readonly KubeObject[];
  readonly configMaps?: RequestConfigMaps;
  readonly now?: string;
}): Promise<unknown> {
  const { configuration, revisions = [], configMaps = {}, now } = request;
  const { namespace, name } = configuration.metadata;
  const result = (await answerReconcile({
    controller: "gc",
    key: `${namespace}/${name}`,
    objects: [configuration, ...revisions],
    configMaps,
    ...(now !== undefined && { now }),
  })) as { error?: string; actions: { verb: string; name: string }[] };
  const deleted = result.actions.filter(({ verb }) => verb === "delete").map((action) => action.name);
  return { deleted, error: result.error ?? "" };
}

/**
 * Upstream's clients record apart, group by group; what was only just written shows
 * neither a version nor the finalizer that it got.
 */
function asUpstreamRecords(actions: readonly Action[], objects: readonly KubeObject[]): object[] {
  const inOrder = [...actions].sort((a, b) => groupRank(a) - groupRank(b));
  return inOrder.map((action) => {
    const { verb, name, namespace, object } = action;
    if (!object || verb === "create") return describeAction(action);
    const asked = objects.find(
      ({ apiVersion, kind, metadata }) =>
        apiVersion === object.apiVersion &&
        kind === object.kind &&
        metadata.name === name &&
        metadata.namespace === namespace,
    );
    const { resourceVersion: _, ...unversioned } = object.metadata;
    const metadata = asked ? (verb === "updateStatus" ? asked.metadata : object.metadata) : unversioned;
    const described = describeAction({ ...action, object: { ...object, metadata } });
    return asked ? described : { ...described, object: withoutType({ ...object, metadata }) };
  });
}

const groupOrder = ["serving.knative.dev", "networking.internal.knative.dev", "caching.internal.knative.dev"];

/** Upstream's clients record apart; within one the order is that of the writes. */
function groupRank(action: Action): number {
  const group = groupOf(action);
  const rank = groupOrder.findIndex(
    (name) => name === group || (name === groupOrder[0] && group.startsWith("autoscaling")),
  );
  return rank < 0 ? groupOrder.length : rank;
}

/** The group of an action's kind: "services" are Kubernetes' own unless the object says otherwise. */
function groupOf({ resource, object }: Action): string {
  if (object) return object.apiVersion.includes("/") ? object.apiVersion.split("/")[0]! : "";
  return allKinds.find(({ plural }) => plural === resource)?.group ?? "";
}

function describeAction(action: Action): object {
  const { verb, resource, namespace, name, object, patch } = action;
  const isStatus = verb === "updateStatus";
  return {
    verb: isStatus ? "update" : verb,
    resource: resourceNameOf({ group: groupOf(action), plural: resource }),
    ...(isStatus && { subresource: "status" }),
    namespace,
    name,
    ...(object && { object: verb === "create" ? withoutType(object) : { ...object, ...withoutType(object) } }),
    ...(patch && { patch: patch.body }),
  };
}

/** Upstream's builders leave apiVersion and kind to the client; Go prints a port's target even where there is none. */
export function withoutType({ apiVersion, kind, ...object }: KubeObject): object {
  if (kind !== Service.kind || apiVersion !== "v1") return object;
  const { spec } = object as unknown as Service;
  const ports = spec.ports?.map((port) => ({ targetPort: 0, ...port }));
  return { ...object, spec: { ...spec, ...(ports && { ports }) } };
}

/** Times that were taken from the clock read "NOW". */
function markNow(value: unknown, nowMs: number): unknown {
  if (typeof value === "string") {
    if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(value)) return value;
    const time = Date.parse(value);
    if (time > nowMs - 2000 && time < nowMs + 60_000) return "NOW";
    return isoTime(time);
  }
  if (Array.isArray(value)) return value.map((part) => markNow(part, nowMs));
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, part]) => [key, markNow(part, nowMs)]));
}
