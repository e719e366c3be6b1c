import type { Pod } from "../../../apis/core/pod.ts";
import type { Client } from "../../../kube/api.ts";
import type { Clock } from "../../../lib/clock.ts";

export interface TokenRequest {
  readonly audience?: string;
  readonly expirationSeconds?: number;
}

/** Hands out tokens of pods' service accounts, and new ones before the old expire. */
export interface TokenSource {
  token(pod: Pod, request: TokenRequest, signal: AbortSignal): Promise<string>;
  forget(podUid: string): void;
}

/** A token is renewed when 80 % of its life have passed, or after a day. Source: kubelet token manager. */
export function createTokenSource(client: Client, clock: Clock): TokenSource {
  const tokens = new Map<string, { readonly token: string; readonly renewAtMs: number }>();
  return {
    async token(pod, { audience, expirationSeconds = 3600 }, signal) {
      const id = JSON.stringify([pod.metadata.uid, audience ?? "", expirationSeconds]);
      const known = tokens.get(id);
      if (known && clock.now() < known.renewAtMs) return known.token;
      const { namespace = "", name, uid = "" } = pod.metadata;
      const account = pod.spec.serviceAccountName || "default";
      const body = {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenRequest",
        spec: {
          ...(audience && { audiences: [audience] }),
          expirationSeconds,
          boundObjectRef: { apiVersion: "v1", kind: "Pod", name, uid },
        },
      };
      const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
      const answer = (await client.raw("POST", path, body, signal)) as {
        status: { token: string; expirationTimestamp: string };
      };
      const { token, expirationTimestamp } = answer.status;
      const lifeMs = Date.parse(expirationTimestamp) - clock.now();
      tokens.set(id, { token, renewAtMs: clock.now() + Math.min(lifeMs * 0.8, 86_400_000) });
      return token;
    },
    forget(podUid) {
      for (const id of tokens.keys()) if (id.startsWith(`["${podUid}"`)) tokens.delete(id);
    },
  };
}
