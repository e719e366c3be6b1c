import type { ConditionDraft } from "../apis/conditions.ts";
import type { KubeObject } from "../apis/meta.ts";
import { isControlledBy } from "../apis/meta.ts";
import type { Lister, Pass, Writer } from "../kube/api.ts";
import { failed } from "../kube/errors.ts";
import { semanticEqual } from "../kube/semantic.ts";
import { messageOf } from "../lib/error-message.ts";

/** A child of that name exists and belongs to somebody else. */
export class NotOwnedError extends Error {}

/**
 * Makes a stored child of `owner` say what is wanted: its spec, labels and annotations.
 * Rejects with NotOwnedError, or when the API refuses. Source: net-istio v0.42.1 pkg/reconciler/accessor/istio.
 */
export async function applyChild<T extends KubeObject & { spec: unknown }>(
  owner: KubeObject,
  wanted: T,
  lister: Pick<Lister<T>, "get">,
  writer: Pick<Writer<T>, "create" | "update">,
  { events, signal }: Pick<Pass<unknown>, "events" | "signal">,
): Promise<void> {
  const { kind } = wanted;
  const { name, namespace, labels, annotations } = wanted.metadata;
  const present = lister.get({ name, namespace: namespace! });
  if (!present) {
    await writer.create(wanted, { signal }).catch((error) => {
      events.warning("CreationFailed", `Failed to create ${kind} ${namespace}/${name}: ${messageOf(error)}`);
      return failed(`failed to create ${kind}`)(error);
    });
    events.normal("Created", `Created ${kind} "${name}"`);
    return;
  }
  if (!isControlledBy(present, owner)) {
    throw new NotOwnedError(`owner: ${owner.metadata.name} does not own ${kind}: "${name}"`);
  }
  const { labels: _, annotations: __, ...metadata } = present.metadata;
  const updated: T = {
    ...present,
    metadata: { ...metadata, ...(labels && { labels }), ...(annotations && { annotations }) },
    spec: wanted.spec,
  };
  if (semanticEqual(present, updated)) return;
  await writer.update(updated, { signal }).catch(failed(`failed to update ${kind}`));
  events.normal("Updated", `Updated ${kind} ${namespace}/${name}`);
}

/** Says in NetworkConfigured that a name is taken. */
export function markNotOwned(conditions: ConditionDraft, kind: string, name: string): void {
  conditions.markFalse("NetworkConfigured", "NotOwned", `There is an existing ${kind} "${name}" that we do not own.`);
}
