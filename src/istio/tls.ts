import type { Secret } from "../apis/core/secret.ts";
import type { Service } from "../apis/core/service.ts";
import type { Gateway } from "../apis/istio/gateway.ts";
import type { Ingress, IngressTLS } from "../apis/networking/ingress.ts";
import type { Lister, Reader, Writer } from "../kube/api.ts";
import { failed, isNotFound } from "../kube/errors.ts";
import { semanticEqual } from "../kube/semantic.ts";
import { makeGateway, makeTlsServers, makeWildcardGateway, secretKeyOf } from "./gateway.ts";
import type { Visibility } from "./gateways.ts";
import { copyName, isWildcard, makeCopy, originLabels, wildcardCopyName } from "./secret.ts";

/** What serving certificates takes. Secrets are read one by one: all of a cluster's do not belong in a cache. */
export interface TlsDeps {
  readonly secretClient: Reader<Secret> & Writer<Secret>;
  readonly gateways: Lister<Gateway>;
  readonly gatewayClient: Writer<Gateway>;
}

/** The Gateways that serve an Ingress's certificates. */
export interface TlsGateways {
  /** For this Ingress alone. */
  readonly own: readonly Gateway[];
  /** For wildcard certificates, which other Ingresses use too. */
  readonly shared: readonly Gateway[];
}

/**
 * Puts copies of an Ingress's certificates beside the gateways and makes the Gateways that serve them.
 * Rejects where a Secret is missing or no certificate.
 */
export async function serveCertificates(
  ingress: Ingress,
  visibility: Visibility,
  tls: readonly IngressTLS[],
  services: readonly Service[],
  deps: TlsDeps,
  signal: AbortSignal,
): Promise<TlsGateways> {
  if (tls.length === 0) return { own: [], shared: [] };
  const origins = new Map<string, Secret>();
  for (const entry of tls) {
    const ref = { namespace: entry.secretNamespace || ingress.metadata.namespace!, name: entry.secretName ?? "" };
    origins.set(secretKeyOf(entry), await deps.secretClient.get(ref, signal));
  }
  const isShared = (secret: Secret) => visibility === "ExternalIP" && isWildcard(secret);
  const namespaces = new Set(services.map(({ metadata }) => metadata.namespace!));
  for (const origin of origins.values()) {
    const name = isShared(origin) ? wildcardCopyName(origin) : copyName(origin, ingress);
    for (const namespace of namespaces) {
      if (namespace !== origin.metadata.namespace) await applySecret(makeCopy(origin, name, namespace), deps, signal);
    }
  }
  const ownTls = tls.filter((entry) => !isShared(origins.get(secretKeyOf(entry))!));
  const wildcards = [...origins.values()].filter(isShared);
  return {
    own:
      ownTls.length === 0
        ? []
        : services.map((service) =>
            makeGateway(ingress, visibility, service, makeTlsServers(ingress, visibility, ownTls, service, origins)),
          ),
    shared: services.flatMap((service) => wildcards.map((secret) => makeWildcardGateway(secret, service))),
  };
}

/** Makes a stored Gateway say what is wanted. */
export async function applyGateway(wanted: Gateway, deps: TlsDeps, signal: AbortSignal): Promise<void> {
  const { name, namespace } = wanted.metadata;
  const present = deps.gateways.get({ name, namespace: namespace! });
  if (!present) {
    await deps.gatewayClient.create(wanted, { signal }).catch(failed("failed to create Gateway"));
  } else if (!semanticEqual(present.spec, wanted.spec)) {
    await deps.gatewayClient
      .update({ ...present, spec: wanted.spec }, { signal })
      .catch(failed("failed to update Gateway"));
  }
}

/** Deletes the copies of an Ingress's certificates. */
export async function deleteCopies(
  ingress: Ingress,
  namespaces: Iterable<string>,
  { secretClient }: Pick<TlsDeps, "secretClient">,
  signal: AbortSignal,
): Promise<void> {
  for (const { secretName = "", secretNamespace = "" } of ingress.spec.tls ?? []) {
    const labelSelector = Object.entries(originLabels(secretName, secretNamespace))
      .map((pair) => pair.join("="))
      .join(",");
    for (const namespace of new Set(namespaces)) {
      const { items } = await secretClient.list({ namespace, labelSelector, signal });
      for (const { metadata } of items) {
        await secretClient.delete({ namespace, name: metadata.name }, { signal }).catch((error) => {
          if (!isNotFound(error)) throw error;
        });
      }
    }
  }
}

async function applySecret(wanted: Secret, { secretClient }: TlsDeps, signal: AbortSignal): Promise<void> {
  const { name, namespace, labels } = wanted.metadata;
  const present = await secretClient.get({ name, namespace: namespace! }, signal).catch((error) => {
    if (isNotFound(error)) return undefined;
    throw error;
  });
  if (!present) {
    await secretClient.create(wanted, { signal }).catch(failed("failed to create Secret"));
    return;
  }
  const updated: Secret = {
    ...present,
    metadata: { ...present.metadata, labels: labels! },
    ...(wanted.data && { data: wanted.data }),
  };
  if (!semanticEqual(present, updated)) {
    await secretClient.update(updated, { signal }).catch(failed("failed to update Secret"));
  }
}
