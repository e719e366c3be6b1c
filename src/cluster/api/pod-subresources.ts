import { isoTime } from "../../lib/iso-time.ts";
import type { Api, Call } from "./call.ts";
import { getEntry } from "./list.ts";
import type { Place } from "./place.ts";
import type { Item } from "./resource.ts";
import { type TokenSigner, tokenIssuer } from "./service-account-tokens.ts";
import { badRequest, conflict, invalid, invalidValue, notFound } from "./status-errors.ts";
import { cloneJson, type Fields, isMap } from "./typed-values.ts";
import { update } from "./write.ts";

/** Puts a pod on a node, as a scheduler does. */
export async function bindPod(api: Api, call: Call, place: Place, body: unknown): Promise<Fields> {
  const target = isMap(body) && isMap(body["target"]) ? body["target"] : undefined;
  const node = target?.["name"];
  if (typeof node !== "string" || node === "") throw badRequest("target.name: Required value");
  const make = (stored: Item | undefined): Item => {
    const pod = cloneJson(stored!);
    const assigned = pod.spec?.["nodeName"];
    if (assigned) {
      throw conflict(
        { group: "", resource: "pods/binding" },
        place.name,
        `pod ${place.name} is already assigned to node "${String(assigned)}"`,
      );
    }
    pod.spec = { ...pod.spec, nodeName: node };
    const conditions = ((pod.status?.["conditions"] as Fields[] | undefined) ?? []).filter(
      ({ type }) => type !== "PodScheduled",
    );
    const scheduled = {
      type: "PodScheduled",
      status: "True",
      lastProbeTime: null,
      lastTransitionTime: isoTime(api.clock.now()),
    };
    pod.status = { ...pod.status, conditions: [...conditions, scheduled] };
    return pod;
  };
  const options = { dryRun: false, fieldManager: "scheduler", fieldValidation: "Ignore" as const };
  await update(
    api,
    call,
    { ...place, subresource: "binding" },
    { make, retries: true, creates: false, tracked: true },
    options,
  );
  return { kind: "Status", apiVersion: "v1", metadata: {}, status: "Success", code: 201 };
}

const minTokenSeconds = 600;
const maxTokenSeconds = 2 ** 32;

/** Issues a token for a service account, bound to a pod or secret where one is named. Source: TokenRequest, authentication.k8s.io/v1. */
export function issueServiceAccountToken(api: Api, signer: TokenSigner, place: Place, body: unknown): Fields {
  const account = getEntry(api, place.resource, place.namespace, place.name).object;
  const request = isMap(body) ? body : {};
  const spec = isMap(request["spec"]) ? request["spec"] : {};
  const seconds = typeof spec["expirationSeconds"] === "number" ? spec["expirationSeconds"] : 3600;
  if (seconds < minTokenSeconds || seconds > maxTokenSeconds) {
    const detail =
      seconds < minTokenSeconds
        ? "may not specify a duration less than 10 minutes"
        : "may not specify a duration larger than 2^32 seconds";
    throw invalid({ group: "authentication.k8s.io", kind: "TokenRequest" }, "", [
      invalidValue("spec.expirationSeconds", seconds, detail),
    ]);
  }
  const given = Array.isArray(spec["audiences"]) ? (spec["audiences"] as string[]) : [];
  const audiences = given.length > 0 ? given : [tokenIssuer];
  const now = Math.floor(api.clock.now() / 1000);
  const token = signer.sign({
    iss: tokenIssuer,
    sub: `system:serviceaccount:${place.namespace}:${place.name}`,
    aud: audiences,
    iat: now,
    nbf: now,
    exp: now + seconds,
    "kubernetes.io": {
      namespace: place.namespace,
      serviceaccount: { name: place.name, uid: account.metadata.uid ?? "" },
      ...boundObject(api, place.namespace, spec["boundObjectRef"]),
    },
  });
  return {
    kind: "TokenRequest",
    apiVersion: "authentication.k8s.io/v1",
    metadata: { name: place.name, namespace: place.namespace, creationTimestamp: isoTime(api.clock.now()) },
    spec: { audiences, expirationSeconds: seconds, boundObjectRef: spec["boundObjectRef"] ?? null },
    status: { token, expirationTimestamp: isoTime((now + seconds) * 1000) },
  };
}

function boundObject(api: Api, namespace: string, reference: unknown): Record<string, { name: string; uid: string }> {
  if (!isMap(reference)) return {};
  const kind = String(reference["kind"] ?? "");
  if (kind !== "Pod" && kind !== "Secret")
    throw badRequest(`cannot bind token for serviceaccount to object of kind ${kind}`);
  const resource = kind === "Pod" ? "pods" : "secrets";
  const name = String(reference["name"] ?? "");
  const uid = api.storage.get(resource, namespace, name)?.object.metadata.uid;
  if (!uid) throw notFound({ group: "", resource }, name);
  if (reference["uid"] && reference["uid"] !== uid) {
    throw conflict(
      { group: "", resource },
      name,
      `the UID in the bound object reference (${String(reference["uid"])}) does not match the UID in record. The object might have been deleted and then recreated`,
    );
  }
  return { [kind.toLowerCase()]: { name, uid } };
}
