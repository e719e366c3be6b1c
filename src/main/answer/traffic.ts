import type { Service } from "../../apis/core/service.ts";
import type { KubeObject } from "../../apis/meta.ts";
import type { Configuration } from "../../apis/serving/configuration.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { Route } from "../../apis/serving/route.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import type { Lister } from "../../kube/api.ts";
import { domainOf, hostnameOf, schemeOf, type Visibility } from "../../reconcilers/route/domains.ts";
import { isDone, isValid, observeReady, type Rollout, stepRollout } from "../../reconcilers/route/rollout.ts";
import {
  baseRollout,
  describeProblem,
  isFailure,
  resolveTraffic,
  statusTraffic,
  type TargetProblem,
  type Traffic,
} from "../../reconcilers/route/traffic.ts";
import { resolveVisibility } from "../../reconcilers/route/visibility.ts";
import { configDataOf, type RequestConfigMaps } from "./config-maps.ts";
import { steppedInPlace } from "./stepped-in-place.ts";
import { typed } from "./typed.ts";

/** What a route's traffic is made from. */
export interface RouteInputs {
  readonly route?: Route;
  readonly configurations?: readonly Configuration[];
  readonly revisions?: readonly Revision[];
  readonly services?: readonly Service[];
}

interface TrafficRequest extends RouteInputs {
  readonly rollout?: Rollout;
  readonly configMaps?: RequestConfigMaps;
}

/** The traffic of a route among the objects of a request. */
export function trafficOf(
  { route, configurations = [], revisions = [], services = [] }: RouteInputs,
  config: ServingConfig,
): { readonly traffic: Traffic; readonly visibility: ReadonlyMap<string, Visibility> } {
  const whole = typed(Route, route!);
  return {
    traffic: resolveTraffic(whole, listerOf(configurations), listerOf(revisions)),
    visibility: resolveVisibility(whole, listerOf(services), config),
  };
}

/** Op `traffic`: what a route's traffic comes to. Throws for bad requests. */
export function answerTraffic(request: TrafficRequest): unknown {
  const { route } = request;
  if (!route) throw new Error("route is missing");
  const config = parseServingConfig(configDataOf(request.configMaps));
  const { traffic, visibility } = trafficOf(request, config);
  const urlOf = (tag: string) => {
    const seenFrom = visibility.get(tag) ?? "ExternalIP";
    return `${schemeOf(seenFrom, config)}://${domainOf(route, tag, seenFrom, config)}`;
  };
  const rollout = request.rollout ?? baseRollout(traffic);
  return {
    ...(traffic.problem && { error: viewProblem(traffic.problem) }),
    targets: Object.fromEntries(traffic.targets),
    visibility: Object.fromEntries(visibility),
    configurations: namesOf(traffic.configurations),
    revisions: namesOf(traffic.revisions),
    missingTargets: traffic.missing.map(({ kind, name }) => ({
      apiVersion: "serving.knative.dev/v1",
      kind,
      name,
      namespace: route.metadata.namespace,
    })),
    rollout,
    ...attempt("statusTraffic", "statusTrafficError", () => statusTraffic(traffic, rollout, urlOf)),
    tags: Object.fromEntries([...visibility].map(([tag, seenFrom]) => [tag, viewTag(route, tag, seenFrom, config)])),
    ...attempt("domainsAndTags", "domainsError", () =>
      Object.fromEntries(
        [...traffic.targets.keys()].map((tag) => [
          domainOf(route, tag, visibility.get(tag) ?? "ExternalIP", config),
          tag,
        ]),
      ),
    ),
  };
}

interface RolloutRequest {
  readonly current?: Rollout;
  readonly previous?: Rollout;
  readonly nowNanos?: number;
  readonly durationSeconds?: number;
  readonly ready?: boolean;
}

/** Op `rollout`: one step of a rollout. Throws for bad requests. */
export function answerRollout({
  current,
  previous,
  nowNanos = 0,
  durationSeconds = 0,
  ready,
}: RolloutRequest): unknown {
  if (!current) throw new Error("current is missing");
  const seen = previous && ready ? observeReady(previous, nowNanos, durationSeconds) : previous;
  const { rollout, nextStepNs } = stepRollout(current, seen, nowNanos);
  return {
    currentValid: isValid(current),
    ...(previous && { previousValid: isValid(previous) }),
    ...(seen && ready && { observed: steppedInPlace(seen, current, nowNanos) }),
    next: rollout,
    nextStepNanos: nextStepNs,
    done: isDone(rollout),
  };
}

/** The error's text, as upstream has it. */
export function messageOfProblem(problem: TargetProblem): string {
  const { kind, name } = problem;
  if (problem.type === "missing") return `${kind} "${name}" referenced in traffic not found`;
  return `${kind} "${name}" not ready, isFailure=${problem.failed}`;
}

const typeNames = { Configuration: "*traffic.unreadyConfigError", Revision: "*traffic.unreadyRevisionError" };

function viewProblem(problem: TargetProblem): object {
  return {
    message: messageOfProblem(problem),
    type: problem.type === "missing" ? "*traffic.missingTargetError" : typeNames[problem.kind],
    isFailure: isFailure(problem),
    condition: { status: isFailure(problem) ? "False" : "Unknown", ...describeProblem(problem) },
  };
}

function viewTag(route: Route, tag: string, visibility: Visibility, config: ServingConfig) {
  try {
    const hostname = hostnameOf(route.metadata.name, tag, config);
    try {
      const domain = domainOf(route, tag, visibility, config);
      return { hostname, domain, url: `${schemeOf(visibility, config)}://${domain}`, visibility };
    } catch (error) {
      return { hostname, visibility, error: (error as Error).message };
    }
  } catch (error) {
    return { visibility, error: (error as Error).message };
  }
}

function attempt(field: string, errorField: string, act: () => unknown): object {
  try {
    return { [field]: act() };
  } catch (error) {
    return { [errorField]: (error as Error).message };
  }
}

function listerOf<T extends KubeObject>(objects: readonly T[]): Pick<Lister<T>, "get" | "list"> {
  return {
    get: ({ name, namespace }) =>
      objects.find(({ metadata }) => metadata.name === name && (metadata.namespace ?? "") === (namespace ?? "")),
    list: ({ namespace, labels = {} } = {}) =>
      objects.filter(
        ({ metadata }) =>
          (namespace === undefined || metadata.namespace === namespace) &&
          Object.entries(labels).every(([key, value]) => metadata.labels?.[key] === value),
      ),
  };
}

function namesOf(objects: readonly KubeObject[]): string[] {
  return objects.map(({ metadata }) => metadata.name).sort();
}
