import { type Api, type Call, writeOptionsOf } from "./call.ts";
import { decodeItem } from "./decode-item.ts";
import { evict } from "./eviction.ts";
import { finalizeNamespace } from "./namespaces.ts";
import type { Place } from "./place.ts";
import { bindPod, issueServiceAccountToken } from "./pod-subresources.ts";
import type { TokenSigner } from "./service-account-tokens.ts";
import { methodNotAllowed } from "./status-errors.ts";

/**
 * Carries out what is asked of a subresource that takes an object and answers with one, beside status and scale.
 * Resolves with undefined when it is none of these.
 */
export async function performExtra(
  api: Api,
  signer: TokenSigner,
  call: Call,
  place: Place,
  method: string,
  body: () => unknown,
): Promise<{ readonly code: number; readonly answer: object } | undefined> {
  const { resource, subresource } = place;
  const only = (allowed: string) => {
    if (method !== allowed) throw methodNotAllowed();
  };
  switch (`${resource.key}/${subresource}`) {
    case "pods/eviction":
      only("POST");
      return { code: 201, answer: await evict(api, call, place, await body()) };
    case "pods/binding":
      only("POST");
      return { code: 201, answer: await bindPod(api, call, place, await body()) };
    case "serviceaccounts/token":
      only("POST");
      return { code: 201, answer: issueServiceAccountToken(api, signer, place, await body()) };
    case "namespaces/finalize": {
      only("PUT");
      const sent = decodeItem(resource, await body(), writeOptionsOf(call, "UpdateOptions"), call);
      return { code: 200, answer: await finalizeNamespace(api, place.name, sent) };
    }
    default:
      return undefined;
  }
}
