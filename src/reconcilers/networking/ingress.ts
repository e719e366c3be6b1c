import { type ConditionDraft, conditionOf } from "../../apis/conditions.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import type { Lister, Pass, Writer } from "../../kube/api.ts";
import { failed } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { messageOf } from "../../lib/error-message.ts";

/** What keeping an Ingress takes. */
export interface IngressDeps {
  readonly ingresses: Lister<Ingress>;
  readonly ingressClient: Writer<Ingress>;
}

/** Makes the stored Ingress what is wanted, and returns what is stored then. */
export async function applyIngress(
  wanted: Ingress,
  { ingresses, ingressClient }: IngressDeps,
  { events, signal }: Pass<unknown>,
): Promise<Ingress> {
  const { name, namespace, annotations, labels } = wanted.metadata;
  const present = ingresses.get({ namespace: namespace!, name });
  if (!present) {
    const created = await ingressClient.create(wanted, { signal }).catch((error) => {
      events.warning("CreationFailed", `Failed to create Ingress: ${messageOf(error)}`);
      return failed("failed to create Ingress")(error);
    });
    events.normal("Created", `Created Ingress "${name}"`);
    return created;
  }
  const updated: Ingress = {
    ...present,
    metadata: { ...present.metadata, annotations: annotations!, labels: labels! },
    spec: wanted.spec,
  };
  if (semanticEqual(present, updated)) return present;
  return ingressClient.update(updated, { signal }).catch(failed("failed to update Ingress"));
}

/** Whether the network layer has looked at the present spec. */
export function isIngressObserved({ metadata, status }: Ingress): boolean {
  return (status?.observedGeneration ?? 0) === (metadata.generation ?? 0);
}

/** IngressReady says what the Ingress says of itself. */
export function propagateIngress(conditions: ConditionDraft, ingress: Ingress): void {
  const ready = isIngressObserved(ingress) ? conditionOf(ingress, "Ready") : undefined;
  if (!ready) markIngressNotConfigured(conditions);
  else if (ready.status === "True") conditions.markTrue("IngressReady");
  else if (ready.status === "False") conditions.markFalse("IngressReady", ready.reason ?? "", ready.message ?? "");
  else conditions.markUnknown("IngressReady", ready.reason, ready.message);
}

export function markIngressNotConfigured(conditions: ConditionDraft): void {
  conditions.markUnknown("IngressReady", "IngressNotConfigured", "Ingress has not yet been reconciled.");
}
