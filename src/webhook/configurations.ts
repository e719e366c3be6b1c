import { isDeepStrictEqual } from "node:util";
import { admissionKinds } from "../apis/admission.ts";
import { Namespace } from "../apis/core/namespace.ts";
import { Secret } from "../apis/core/secret.ts";
import { MutatingWebhookConfiguration, ValidatingWebhookConfiguration } from "../apis/core/webhookconfiguration.ts";
import type { Kind } from "../apis/kind.ts";
import { controllerReference, type KubeObject, type LabelSelector } from "../apis/meta.ts";
import type { Client, Lister, Outcome, Pass } from "../kube/api.ts";
import { type Controller, type ControllerContext, startController, watching } from "../kube/controller.ts";
import { PermanentError } from "../kube/errors.ts";
import { paths } from "./admission.ts";
import { secretKeys } from "./certificate-source.ts";
import { webhookSecretName, webhookSecretSelection } from "./certificates.ts";

/** The names of the webhook configurations, which are those of their webhooks too. */
export const webhookNames = {
  defaulting: "webhook.hakn.chainguard.dev",
  resourceValidation: "validation.webhook.hakn.chainguard.dev",
  configValidation: "config.webhook.hakn.chainguard.dev",
} as const;

/** The ConfigMaps that are validated: ours, by their labels. */
export const configMapSelector = {
  matchExpressions: [
    { key: "app.kubernetes.io/name", operator: "In", values: ["knative-serving"] },
    {
      key: "app.kubernetes.io/component",
      operator: "In",
      values: ["autoscaler", "controller", "logging", "net-istio", "networking", "observability", "tracing"],
    },
  ],
} as const;

type Configuration = MutatingWebhookConfiguration | ValidatingWebhookConfiguration;
type Webhook = NonNullable<MutatingWebhookConfiguration["webhooks"]>[number];
type Rule = NonNullable<Webhook["rules"]>[number];

/** What a webhook's entry has to say. */
interface Wanted {
  readonly path: string;
  readonly rules: readonly Rule[];
  readonly reinvocationPolicy?: "IfNeeded";
  /** Namespaces can opt out. */
  readonly excludable: boolean;
  readonly objectSelector?: LabelSelector;
}

const wanted: Readonly<Record<string, Wanted>> = {
  [webhookNames.defaulting]: {
    path: paths.defaulting,
    rules: rulesFor(["CREATE", "UPDATE"]),
    reinvocationPolicy: "IfNeeded",
    excludable: true,
  },
  [webhookNames.resourceValidation]: {
    path: paths.resourceValidation,
    rules: rulesFor(["CREATE", "UPDATE", "DELETE"]),
    excludable: true,
  },
  [webhookNames.configValidation]: {
    path: paths.configValidation,
    rules: [
      {
        operations: ["CREATE", "UPDATE"],
        apiGroups: [""],
        apiVersions: ["v1"],
        resources: ["configmaps/*"],
        scope: "Namespaced",
      },
    ],
    excludable: false,
    objectSelector: structuredClone(configMapSelector) as unknown as LabelSelector,
  },
};

interface Deps {
  readonly client: Client;
  readonly secrets: Pick<Lister<Secret>, "get">;
  readonly namespace: string;
}

/** Keeps the authority, paths and rules in the webhook configurations right; they themselves have to be there already. */
export function startWebhookConfigurationControllers<Config>(
  context: ControllerContext<Config>,
  namespace: string,
): Controller[] {
  const secrets = context.informers.of(Secret, webhookSecretSelection(namespace));
  const deps: Deps = { client: context.client, secrets, namespace };
  const start = <T extends KubeObject & Configuration>(name: string, kind: Kind<T>, controller: string) =>
    startController<T, Deps, Config>(context, {
      name: controller,
      kind,
      selection: { fieldSelector: `metadata.name=${name}` },
      filter: ({ metadata }) => metadata.name === name,
      deps,
      reconcile: (configuration, deps, pass) => reconcileConfiguration(kind, configuration, deps, pass),
      watches: [watching(secrets, (secret) => (secret.metadata.name === webhookSecretName ? [name] : []))],
    });
  return [
    start(webhookNames.defaulting, MutatingWebhookConfiguration, "DefaultingWebhook"),
    start(webhookNames.resourceValidation, ValidatingWebhookConfiguration, "ValidationWebhook"),
    start(webhookNames.configValidation, ValidatingWebhookConfiguration, "ConfigMapWebhook"),
  ];
}

/**
 * Brings one webhook configuration in order, and writes it only if it was not.
 * Source: knative.dev/pkg webhook/resourcesemantics and webhook/configmaps, as serving v0.42.2 requires it.
 */
export async function reconcileConfiguration<T extends Configuration & KubeObject>(
  kind: Kind<T>,
  configuration: T,
  { client, secrets, namespace }: Deps,
  { log, signal }: Pick<Pass<unknown>, "log" | "signal">,
): Promise<Outcome<T>> {
  const caBundle = secrets.get({ namespace, name: webhookSecretName })?.data?.[secretKeys.authority];
  if (!caBundle) {
    log.info(`the Secret ${webhookSecretName} has no ${secretKeys.authority} yet`);
    return {};
  }
  const owner = await client.of(Namespace).get({ name: namespace }, signal);
  const { name } = configuration.metadata;
  const webhooks = (configuration.webhooks ?? []).map((webhook) =>
    webhook.name === name ? makeWebhook(webhook, wanted[name]!, caBundle) : webhook,
  );
  const desired = {
    ...configuration,
    metadata: { ...configuration.metadata, ownerReferences: [controllerReference(owner)] },
    webhooks,
  };
  if (!isDeepStrictEqual(desired, configuration)) await client.of(kind).update(desired, { signal });
  return {};
}

function makeWebhook(
  webhook: Webhook,
  { path, rules, reinvocationPolicy, excludable, objectSelector }: Wanted,
  caBundle: string,
): Webhook {
  const { service } = webhook.clientConfig;
  if (!service) throw new PermanentError(`missing service reference for webhook: ${webhook.name}`);
  return {
    ...webhook,
    clientConfig: { ...webhook.clientConfig, caBundle, service: { ...service, path } },
    rules: rules.map((rule) => ({ scope: "*", ...rule })),
    ...(reinvocationPolicy && { reinvocationPolicy }),
    ...(excludable && { namespaceSelector: excluding(webhook.namespaceSelector) }),
    ...(objectSelector && { objectSelector }),
  };
}

/** Leaves out namespaces that opted out; conditions of others stay, former ones of Knative go. */
function excluding(selector: LabelSelector | undefined): LabelSelector {
  const others = (selector?.matchExpressions ?? []).filter(({ key }) => !key.includes("knative.dev"));
  return {
    ...selector,
    matchExpressions: [{ key: "webhooks.knative.dev/exclude", operator: "DoesNotExist" }, ...others],
  };
}

/**
 * Upstream's rules without the status subresources: a status changes nothing that the webhooks look at, so a call for each
 * write of one is work, and a webhook that cannot be reached would keep every status from being written.
 */
function rulesFor(operations: readonly string[]): readonly Rule[] {
  const order = ({ kind }: (typeof admissionKinds)[number]) => `${kind.group} ${kind.version} ${kind.plural}`;
  return [...admissionKinds]
    .sort((a, b) => (order(a) < order(b) ? -1 : 1))
    .map(({ kind }) => ({
      operations: [...operations],
      apiGroups: [kind.group],
      apiVersions: [kind.version],
      resources: [kind.plural],
    }));
}
