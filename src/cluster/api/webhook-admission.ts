import { randomUUID } from "node:crypto";
import jsonPatch from "fast-json-patch";
import type {
  MutatingWebhookConfiguration,
  ValidatingWebhookConfiguration,
} from "../../apis/core/webhookconfiguration.ts";
import type { KubeObject, Status } from "../../apis/meta.ts";
import { ApiError } from "../../kube/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/error-message.ts";
import type { AdmissionAttributes, AdmissionStep } from "./admission.ts";
import { groupVersion, type Item } from "./resource.ts";
import { matchesSelector } from "./selectors.ts";
import { badRequest, internalError, statusError } from "./status-errors.ts";
import type { StorageReader } from "./storage.ts";
import { cloneJson, isDeepEqual, isMap } from "./typed-values.ts";
import type { CallWebhook } from "./webhook-call.ts";

type Mutating = NonNullable<MutatingWebhookConfiguration["webhooks"]>[number];
type Webhook = NonNullable<ValidatingWebhookConfiguration["webhooks"]>[number];

const group = "admissionregistration.k8s.io";
/** Webhooks are not asked about their own configuration: a broken one could never be repaired. */
const exempt = new Set([`${group}/mutatingwebhookconfigurations`, `${group}/validatingwebhookconfigurations`]);

interface AdmissionResponse {
  readonly uid?: string;
  readonly allowed?: boolean;
  readonly status?: Partial<Status>;
  readonly patch?: string;
  readonly patchType?: string;
  readonly warnings?: readonly string[];
}

/**
 * Asks the admission webhooks that the stored configurations name.
 * Source: k8s.io/apiserver admission/plugin/webhook.
 */
export function webhookAdmission(storage: StorageReader, callWebhook: CallWebhook, clock: Clock): AdmissionStep {
  const ask = (webhook: Webhook, attributes: AdmissionAttributes) =>
    askWebhook(webhook, attributes, callWebhook, clock);
  return {
    async mutate(attributes) {
      if (exempt.has(attributes.resource.key)) return attributes.object;
      const webhooks = configured<Mutating>(storage, "mutatingwebhookconfigurations");
      let object = attributes.object;
      const again: { webhook: Mutating; seen: Item | undefined }[] = [];
      const run = async (webhook: Mutating): Promise<void> => {
        const current = { ...attributes, object };
        if (!applies(webhook, current, storage)) return;
        const response = await guarded(webhook, () => ask(webhook, current));
        if (!response) return;
        report(webhook, response, attributes);
        object = patched(webhook, object, response);
      };
      for (const webhook of webhooks) {
        await run(webhook);
        if (webhook.reinvocationPolicy === "IfNeeded") again.push({ webhook, seen: object });
      }
      for (const { webhook, seen } of again) if (!isDeepEqual(seen, object)) await run(webhook);
      return object;
    },
    async validate(attributes) {
      if (exempt.has(attributes.resource.key)) return;
      const webhooks = configured<Webhook>(storage, "validatingwebhookconfigurations").filter((webhook) =>
        applies(webhook, attributes, storage),
      );
      const results = await Promise.allSettled(
        webhooks.map(async (webhook) => {
          const response = await guarded(webhook, () => ask(webhook, attributes));
          if (response) report(webhook, response, attributes);
        }),
      );
      for (const result of results) if (result.status === "rejected") throw result.reason;
    },
  };
}

/** All webhooks in the order of their configurations' names. */
function configured<W extends Webhook>(storage: StorageReader, plural: string): W[] {
  return storage
    .list(`${group}/${plural}`)
    .flatMap(({ object }) => ((object as KubeObject & { webhooks?: W[] }).webhooks ?? []) as W[]);
}

function applies(webhook: Webhook, attributes: AdmissionAttributes, storage: StorageReader): boolean {
  const { resource, subresource, operation, namespace } = attributes;
  const equivalent = webhook.matchPolicy !== "Exact";
  const matches = (webhook.rules ?? []).some((rule) => {
    const scope = rule.scope ?? "*";
    return (
      lists(rule.operations, operation) &&
      lists(rule.apiGroups, resource.group) &&
      (lists(rule.apiVersions, resource.version) || equivalent) &&
      (scope === "*" || (scope === "Namespaced") === resource.namespaced) &&
      (rule.resources ?? []).some((wanted) => matchesResource(wanted, resource.plural, subresource))
    );
  });
  if (!matches) return false;
  if (!isInSelectedNamespace(webhook, attributes, namespace, storage)) return false;
  if (webhook.objectSelector === undefined) return true;
  const labelsOf = (object: Item | undefined) => object?.metadata?.labels ?? {};
  const { object, oldObject } = attributes;
  return (
    (object !== undefined && matchesSelector(webhook.objectSelector, labelsOf(object))) ||
    (oldObject !== undefined && matchesSelector(webhook.objectSelector, labelsOf(oldObject)))
  );
}

/** Cluster-scoped objects always count as selected; a namespace is judged by its own labels. */
function isInSelectedNamespace(
  webhook: Webhook,
  attributes: AdmissionAttributes,
  namespace: string,
  storage: StorageReader,
): boolean {
  if (webhook.namespaceSelector === undefined) return true;
  const { resource, object, oldObject } = attributes;
  if (resource.key === "namespaces") {
    return matchesSelector(webhook.namespaceSelector, (object ?? oldObject)?.metadata.labels);
  }
  if (!resource.namespaced) return true;
  return matchesSelector(webhook.namespaceSelector, storage.get("namespaces", "", namespace)?.object.metadata.labels);
}

const lists = (allowed: readonly string[] | undefined, value: string) =>
  allowed?.some((entry) => entry === "*" || entry === value) ?? false;

/** Source: k8s.io/apiserver pkg/admission/plugin/webhook/predicates/rules. */
function matchesResource(wanted: string, plural: string, subresource: string): boolean {
  const [resource, sub = ""] = wanted.split("/");
  return (resource === "*" || resource === plural) && (sub === "*" || sub === subresource);
}

/** A call that failed refuses the request, or is passed over where the webhook's policy says so. */
async function guarded(
  webhook: Webhook,
  ask: () => Promise<AdmissionResponse>,
): Promise<AdmissionResponse | undefined> {
  try {
    return await ask();
  } catch (error) {
    if (error instanceof ApiError) throw error;
    if (webhook.failurePolicy === "Ignore") return undefined;
    const reason = messageOf(error);
    throw internalError(new Error(`failed calling webhook ${JSON.stringify(webhook.name)}: ${reason}`));
  }
}

async function askWebhook(
  webhook: Webhook,
  attributes: AdmissionAttributes,
  callWebhook: CallWebhook,
  clock: Clock,
): Promise<AdmissionResponse> {
  const { resource, subresource, namespace, name, operation, object, oldObject, dryRun, user, options } = attributes;
  if (dryRun && webhook.sideEffects !== "None" && webhook.sideEffects !== "NoneOnDryRun") {
    throw badRequest(`admission webhook ${JSON.stringify(webhook.name)} does not support dry run`);
  }
  const uid = randomUUID();
  const kind = { group: resource.group, version: resource.version, kind: resource.kind };
  const target = { group: resource.group, version: resource.version, resource: resource.plural };
  const sub = subresource === "" ? {} : { subResource: subresource, requestSubResource: subresource };
  const atVersion = (item: Item | undefined) =>
    item ? { ...item, apiVersion: groupVersion(resource), kind: resource.kind } : null;
  const request = {
    uid,
    kind,
    resource: target,
    requestKind: kind,
    requestResource: target,
    ...sub,
    ...(name && { name }),
    ...(namespace && { namespace }),
    operation,
    userInfo: {
      username: user.username,
      ...(user.uid && { uid: user.uid }),
      groups: user.groups,
      ...(user.extra && { extra: user.extra }),
    },
    object: atVersion(object),
    oldObject: atVersion(oldObject),
    dryRun,
    options,
  };
  const review = { kind: "AdmissionReview", apiVersion: "admission.k8s.io/v1", request };
  const timeoutMs = (webhook.timeoutSeconds ?? 10) * 1000;
  const answer = await callWebhook(webhook.clientConfig, review, timeoutMs, clock);
  if (!isMap(answer) || !isMap(answer["response"]))
    throw new Error("expected response.uid, got an answer without a response");
  const response = answer["response"] as AdmissionResponse;
  if (response.uid !== uid) throw new Error(`expected response.uid="${uid}", got "${response.uid ?? ""}"`);
  return response;
}

/** Passes warnings on and throws what the webhook refused. */
function report(webhook: Webhook, response: AdmissionResponse, { call }: AdmissionAttributes): void {
  for (const warning of response.warnings ?? []) call.warn(warning);
  if (response.allowed) return;
  const status = response.status ?? {};
  const prefix = `admission webhook ${JSON.stringify(webhook.name)} denied the request`;
  const message = status.message
    ? `${prefix}: ${status.message}`
    : status.reason
      ? `${prefix}: ${status.reason}`
      : `${prefix} without explanation`;
  const code = status.code && status.code >= 400 && status.code < 600 ? status.code : 400;
  const error = statusError(code, status.reason ?? (status.code ? "" : "BadRequest"), message, status.details);
  throw error;
}

function patched(webhook: Webhook, object: Item | undefined, response: AdmissionResponse): Item | undefined {
  if (!response.patch || !object) return object;
  if (response.patchType !== "JSONPatch") {
    throw internalError(
      new Error(
        `webhook ${webhook.name} answered with the unknown patch type ${JSON.stringify(response.patchType ?? "")}`,
      ),
    );
  }
  try {
    const patch = JSON.parse(Buffer.from(response.patch, "base64").toString()) as jsonPatch.Operation[];
    return jsonPatch.applyPatch(cloneJson(object), patch, true).newDocument;
  } catch (error) {
    const reason = messageOf(error).split("\n")[0];
    throw internalError(new Error(`the patch of webhook ${webhook.name} does not fit the object: ${reason}`));
  }
}
