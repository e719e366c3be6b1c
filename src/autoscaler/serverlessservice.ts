import { metricAnnotations } from "../apis/autoscaling/labels.ts";
import type { PodAutoscaler } from "../apis/autoscaling/podautoscaler.ts";
import { type ConditionDraft, conditionOf, isTrue } from "../apis/conditions.ts";
import { apiVersionOf } from "../apis/kind.ts";
import { isControlledBy, type KubeObject } from "../apis/meta.ts";
import { ServerlessService } from "../apis/networking/serverlessservice.ts";
import { waitUnderWay } from "../apis/observed.ts";
import type { Lister, Outcome, Pass, Writer } from "../kube/api.ts";
import { semanticEqual } from "../kube/semantic.ts";
import { childMetadata } from "./child-metadata.ts";
import { baseStatus, podAutoscalerConditions } from "./status.ts";

export type Mode = NonNullable<ServerlessService["spec"]["mode"]>;

/**
 * The ServerlessService that gives a PodAutoscaler's pods their network addresses.
 * Source: serving v0.42.2 pkg/reconciler/autoscaling/resources MakeSKS.
 */
export function makeServerlessService(pa: PodAutoscaler, mode: Mode, numActivators: number): ServerlessService {
  const annotations = Object.entries(pa.metadata.annotations ?? {}).filter(
    ([key]) => !metricAnnotations.some((alias) => alias === key),
  );
  return {
    apiVersion: apiVersionOf(ServerlessService),
    kind: ServerlessService.kind,
    metadata: childMetadata(pa, Object.fromEntries(annotations)),
    spec: {
      mode,
      objectRef: pa.spec.scaleTargetRef,
      protocolType: pa.spec.protocolType,
      ...(numActivators > 0 && { numActivators }),
    },
  };
}

/** An object of the name that we need belongs to somebody else. */
class NotOwnedError extends Error {}

export interface ServerlessServiceDeps {
  readonly serverlessServices: Lister<ServerlessService>;
  readonly serverlessServiceClient: Writer<ServerlessService>;
}

/** Makes the ServerlessService of a PodAutoscaler as it should be. Throws NotOwnedError when its name is taken. */
export async function ensureServerlessService(
  desired: ServerlessService,
  pa: PodAutoscaler,
  conditions: ConditionDraft,
  deps: ServerlessServiceDeps,
): Promise<ServerlessService> {
  const existing = deps.serverlessServices.get(desired.metadata);
  if (!existing) return deps.serverlessServiceClient.create(desired);
  refuseForeign(existing, "ServerlessService", pa, conditions);
  if (semanticEqual(existing.spec, desired.spec)) return existing;
  return deps.serverlessServiceClient.update({ ...existing, spec: desired.spec });
}

/** Marks and throws unless `child` belongs to `pa`. */
export function refuseForeign(child: KubeObject, kind: string, pa: PodAutoscaler, conditions: ConditionDraft): void {
  if (isControlledBy(child, pa)) return;
  const { name } = child.metadata;
  conditions.markFalse("Active", "NotOwned", `There is an existing ${kind} "${name}" that we do not own.`);
  throw new NotOwnedError(`PA: ${pa.metadata.name} does not own ${kind}: ${name}`);
}

/** Whether the ServerlessService is ready as it is wanted now. */
export function isServiceReady(service: ServerlessService): boolean {
  return isTrue(conditionOf(service, "Ready")) && service.status?.observedGeneration === service.metadata.generation;
}

const foreignRetryMs = 10_000;

/** Runs a pass with the PodAutoscaler's conditions; where a child's name is taken, the status says so and it is tried later. */
export async function withConditions(
  pa: PodAutoscaler,
  pass: Pick<Pass<unknown>, "clock" | "events">,
  run: (conditions: ConditionDraft) => Promise<Outcome<PodAutoscaler>>,
): Promise<Outcome<PodAutoscaler>> {
  const conditions = podAutoscalerConditions.draft(pa.status?.conditions, pass.clock);
  conditions.initialize();
  try {
    const outcome = await run(conditions);
    return { ...waitUnderWay(pa, conditions, podAutoscalerConditions), ...outcome };
  } catch (error) {
    if (!(error instanceof NotOwnedError)) throw error;
    pass.events.warning("InternalError", error.message);
    return { status: baseStatus(pa, conditions), requeueAfterMs: foreignRetryMs };
  }
}
