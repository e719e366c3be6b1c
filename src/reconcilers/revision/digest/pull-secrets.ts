import { Secret } from "../../../apis/core/secret.ts";
import { ServiceAccount } from "../../../apis/core/serviceaccount.ts";
import type { Kind } from "../../../apis/kind.ts";
import type { KubeObject } from "../../../apis/meta.ts";
import type { Revision } from "../../../apis/serving/revision.ts";
import type { Client } from "../../../kube/api.ts";
import { isNotFound } from "../../../kube/errors.ts";
import type { Clock } from "../../../lib/clock.ts";
import { type Keyring, keyringOfSecret } from "./credentials.ts";
import { createSingleFlight } from "./single-flight.ts";

/** Reads the credentials with which a revision's images may be pulled. */
export interface PullSecrets {
  /** Rejects with ApiError where a secret cannot be read; one that does not exist is left out, as the kubelet does. */
  keyringOf(revision: Revision, signal: AbortSignal): Promise<Keyring>;
}

const lifetimeMs = 30_000;
const mostKept = 100;

/**
 * Reads the pull secrets of revisions and of their service accounts, one by one and only when asked: secrets are never
 * cached as a whole. What was read is kept for half a minute, since revisions often come in numbers.
 */
export function createPullSecrets(client: Client, clock: Pick<Clock, "monotonic">): PullSecrets {
  const kept = new Map<string, { readonly keyring: Keyring; readonly readAt: number }>();
  const once = createSingleFlight<Keyring>();

  const find = async <T extends KubeObject>(kind: Kind<T>, name: string, namespace: string, signal: AbortSignal) =>
    client
      .of(kind)
      .get({ name, namespace }, signal)
      .catch((error) => {
        if (isNotFound(error)) return undefined;
        throw error;
      });

  const read = async (names: readonly string[], account: string, namespace: string, signal: AbortSignal) => {
    const serviceAccount = await find(ServiceAccount, account, namespace, signal);
    const wanted = new Set([...names, ...(serviceAccount?.imagePullSecrets ?? []).flatMap(({ name }) => name ?? [])]);
    const keyrings: Keyring[] = [];
    for (const name of wanted) keyrings.push(keyringOfSecret((await find(Secret, name, namespace, signal))?.data));
    return keyrings.flat();
  };

  return {
    async keyringOf(revision, signal) {
      const namespace = revision.metadata.namespace ?? "";
      const names = (revision.spec.imagePullSecrets ?? []).flatMap(({ name }) => name ?? []);
      const account = revision.spec.serviceAccountName || "default";
      const id = JSON.stringify([namespace, account, names]);
      const known = kept.get(id);
      if (known && clock.monotonic() - known.readAt < lifetimeMs) return known.keyring;
      return once(id, signal, async (flight) => {
        const keyring = await read(names, account, namespace, flight);
        kept.delete(id);
        kept.set(id, { keyring, readAt: clock.monotonic() });
        if (kept.size > mostKept) kept.delete(kept.keys().next().value!);
        return keyring;
      });
    },
  };
}
