import type { ConditionDraft } from "../../apis/conditions.ts";
import { conditionOf, conditionSet, isTrue } from "../../apis/conditions.ts";
import { Deployment } from "../../apis/core/deployment.ts";
import { Endpoints } from "../../apis/core/endpoints.ts";
import { Service } from "../../apis/core/service.ts";
import { isControlledBy } from "../../apis/meta.ts";
import { ServerlessService } from "../../apis/networking/serverlessservice.ts";
import { draftConditions, numbersMayWaitMs, observed, waitUnderWay } from "../../apis/observed.ts";
import { revisionUidLabel } from "../../apis/serving/labels.ts";
import type { ClusterAccess, Lister, Outcome, Pass, Reader, StatusOf, Writer } from "../../kube/api.ts";
import { failed, isNotFound } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { youthLeftMs } from "../youth.ts";
import { chooseSubset } from "./choose-subset.ts";
import { makePrivateService, makePublicEndpoints, makePublicService, privateServiceName } from "./services.ts";

/** What a ServerlessService may read, and what it may write. */
export interface Deps {
  /** Those of revisions; others are read from the API server. */
  readonly deployments: Lister<Deployment>;
  readonly readDeployments: Pick<Reader<Deployment>, "get">;
  readonly services: Lister<Service>;
  readonly serviceClient: Writer<Service>;
  readonly endpoints: Lister<Endpoints>;
  readonly endpointsClient: Writer<Endpoints>;
  /** The Service of the activator, whose Endpoints exist even where no activator runs. */
  readonly activator: { readonly namespace: string; readonly name: string };
}

export const serverlessServiceReconciler = {
  kind: ServerlessService,
  reconcile: reconcileServerlessService,
  deps: ({ client, informers }: ClusterAccess) => ({
    deployments: informers.of(Deployment, { labelSelector: revisionUidLabel }),
    readDeployments: client.of(Deployment),
    services: informers.of(Service),
    serviceClient: client.of(Service),
    endpoints: informers.of(Endpoints),
    endpointsClient: client.of(Endpoints),
    activator: { namespace: "knative-serving", name: "activator-service" },
  }),
};

type Status = StatusOf<ServerlessService>;

const serverlessServiceConditions = conditionSet("Ready", "EndpointsPopulated");

/**
 * Keeps the two Services of a revision: the private one selects its pods, the public one leads to those that are
 * ready or, while there are none, to the activator if one runs.
 * Source: serving v0.42.2 pkg/reconciler/serverlessservice.
 */
async function reconcileServerlessService(
  sks: ServerlessService,
  deps: Deps,
  pass: Pass<unknown>,
): Promise<Outcome<ServerlessService>> {
  const conditions = draftConditions(sks, serverlessServiceConditions, pass.clock);
  const status: Status = { ...sks.status };
  let failure: unknown;
  let requeueAfterMs: number | undefined;
  try {
    status.privateServiceName = await reconcilePrivateService(sks, conditions, deps, pass);
    status.serviceName = await reconcilePublicService(sks, conditions, deps, pass);
    requeueAfterMs = await reconcilePublicEndpoints(sks, conditions, deps, pass);
  } catch (error) {
    failure = error;
  }
  return {
    status: { ...status, ...observed(sks, conditions) },
    ...(isFadingOut(sks, conditions)
      ? { statusMayWaitMs: numbersMayWaitMs }
      : waitUnderWay(sks, conditions, serverlessServiceConditions)),
    ...(requeueAfterMs !== undefined && { requeueAfterMs }),
    error: failure,
  };
}

/** Ready as before, of a revision that goes to zero: that its pods are gone is told soon, and all at once. */
function isFadingOut(sks: ServerlessService, conditions: ConditionDraft): boolean {
  return sks.spec.mode === "Proxy" && isTrue(conditionOf(sks, "Ready")) && isTrue(conditions.get("Ready"));
}

async function reconcilePrivateService(
  sks: ServerlessService,
  conditions: ConditionDraft,
  deps: Deps,
  { signal }: Pass<unknown>,
): Promise<string> {
  const { services, serviceClient } = deps;
  const wanted = makePrivateService(sks, await selectorOf(sks, deps, signal));
  const { name } = wanted.metadata;
  const present = services.get({ namespace: sks.metadata.namespace!, name });
  if (!present) {
    markNotReady(conditions, "CreatingPrivateService");
    await serviceClient.create(wanted, { signal }).catch(failed("failed to create private K8s Service"));
    return name;
  }
  mustOwn(sks, present, conditions);
  const updated: Service = { ...present, spec: { ...present.spec, ...wanted.spec } };
  if (!semanticEqual(present.spec, updated.spec)) {
    markNotReady(conditions, "UpdatingPrivateService");
    await serviceClient.update(updated, { signal }).catch(failed("failed to update private K8s Service"));
  }
  return name;
}

async function reconcilePublicService(
  sks: ServerlessService,
  conditions: ConditionDraft,
  { services, serviceClient }: Deps,
  { signal }: Pass<unknown>,
): Promise<string> {
  const wanted = makePublicService(sks);
  const { name } = wanted.metadata;
  const present = services.get({ namespace: sks.metadata.namespace!, name });
  if (!present) {
    markNotReady(conditions, "CreatingPublicService");
    await serviceClient.create(wanted, { signal }).catch(failed("failed to create public K8s Service"));
    return name;
  }
  mustOwn(sks, present, conditions);
  const { selector: _, ...rest } = present.spec;
  const updated: Service = { ...present, spec: { ...rest, ...wanted.spec } };
  if (!semanticEqual(present.spec, updated.spec)) {
    await serviceClient.update(updated, { signal }).catch(failed("failed to update public K8s Service"));
  }
  return name;
}

/**
 * Keeps the public Endpoints. Those of a new revision are made when the first pod is ready, or its youth is over: then
 * they are written once. Returns when to look again for that.
 */
async function reconcilePublicEndpoints(
  sks: ServerlessService,
  conditions: ConditionDraft,
  { endpoints, endpointsClient, activator }: Deps,
  { clock, signal }: Pass<unknown>,
): Promise<number | undefined> {
  const namespace = sks.metadata.namespace!;
  const activators = endpoints.get(activator);
  if (!activators)
    throw new Error(`failed to get activator service endpoints: endpoints "${activator.name}" not found`);
  const pods = endpoints.get({ namespace, name: privateServiceName(sks) });
  // The cluster makes them for the private Service in a moment, and then this key is looked at again.
  if (!pods) return undefined;

  const hasReadyPods = addressesOf(pods).size > 0;
  const hasActivators = addressesOf(activators).size > 0;
  const toPods = !hasActivators || (hasReadyPods && sks.spec.mode === "Serve");
  const source = toPods ? pods : subsetOf(activators, sks.metadata.name, sks.spec.numActivators ?? 0);

  const wanted = makePublicEndpoints(sks, source);
  const present = endpoints.get({ namespace, name: wanted.metadata.name });
  const waitMs = addressesOf(source).size === 0 ? youthLeftMs(sks, clock) : 0;
  if (!present && waitMs === 0) {
    markNotReady(conditions, "CreatingPublicEndpoints");
    await endpointsClient.create(wanted, { signal }).catch(failed("failed to create public K8s Endpoints"));
  } else if (present) {
    mustOwn(sks, present, conditions);
    if (!semanticEqual(wanted.subsets, present.subsets)) {
      const updated: Endpoints = { ...present, subsets: wanted.subsets ?? [] };
      await endpointsClient.update(updated, { signal }).catch(failed("failed to update public K8s Endpoints"));
    }
  }

  if (hasReadyPods) conditions.markTrue("EndpointsPopulated");
  else markNotReady(conditions, "NoHealthyBackends");
  const message = "Revision is backed by Activator";
  if (!hasReadyPods || sks.spec.mode === "Proxy") {
    conditions.markTrue("ActivatorEndpointsPopulated", "ActivatorEndpointsPopulated", message);
  } else {
    conditions.markFalse("ActivatorEndpointsPopulated", "ActivatorEndpointsPopulated", message);
  }
  return !present && waitMs > 0 ? waitMs : undefined;
}

async function selectorOf(
  sks: ServerlessService,
  { deployments, readDeployments }: Deps,
  signal: AbortSignal,
): Promise<Readonly<Record<string, string>>> {
  const { kind, name = "" } = sks.spec.objectRef;
  const ref = { namespace: sks.metadata.namespace!, name };
  const because = failed("error retrieving deployment selector spec");
  const read = () =>
    readDeployments.get(ref, signal).catch((error) => (isNotFound(error) ? undefined : because(error)));
  const found = kind === "Deployment" ? (deployments.get(ref) ?? (await read())) : undefined;
  if (!found) {
    const cause = `error fetching Pod Scalable ${ref.namespace}/${name}: deployments.apps "${name}" not found`;
    throw new Error(`error retrieving deployment selector spec: ${cause}`);
  }
  return found.spec.selector?.matchLabels ?? {};
}

/** Keeps `count` addresses (all for 0), always the same for the same revision. */
function subsetOf(source: Endpoints, revision: string, count: number): Endpoints {
  const all = addressesOf(source);
  if (count === 0 || all.size <= count) return source;
  const chosen = chooseSubset(all, count, revision);
  const subsets = (source.subsets ?? []).map((subset) => ({
    ...subset,
    addresses: subset.addresses?.filter(({ ip }) => chosen.has(ip)) ?? [],
  }));
  return { ...source, subsets: subsets.filter(({ addresses }) => addresses.length > 0) };
}

function addressesOf(endpoints: Endpoints): ReadonlySet<string> {
  return new Set((endpoints.subsets ?? []).flatMap(({ addresses = [] }) => addresses.map(({ ip }) => ip)));
}

function mustOwn(sks: ServerlessService, object: Service | Endpoints, conditions: ConditionDraft): void {
  if (isControlledBy(object, sks)) return;
  const { kind, metadata } = object;
  const message = `Resource ${metadata.name} of type ${kind} is not owned by SKS`;
  conditions.markFalse("EndpointsPopulated", "NotOwned", message);
  throw new Error(`SKS: ${sks.metadata.name} does not own ${kind}: ${metadata.name}`);
}

function markNotReady(conditions: ConditionDraft, reason: string): void {
  conditions.markUnknown("EndpointsPopulated", reason, "K8s Service is not ready");
}
