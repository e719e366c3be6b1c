import { X509Certificate } from "node:crypto";
import type { Secret } from "../apis/core/secret.ts";
import type { Ingress } from "../apis/networking/ingress.ts";
import { certificateUidLabel, originSecretNameLabel, originSecretNamespaceLabel } from "../apis/networking/labels.ts";
import { adler32 } from "../lib/adler32.ts";

const longestLabelValue = 63;

/** The name that a certificate's Secret has beside the gateway. Source of this file: net-istio v0.42.1 pkg/reconciler/ingress/resources. */
export function copyName(origin: Secret, ingress: Ingress): string {
  return `${ingress.metadata.name}-${origin.metadata.uid ?? ""}`;
}

/** The same for a wildcard certificate, which many Ingresses share. */
export function wildcardCopyName(origin: Secret): string {
  return `${origin.metadata.namespace}--${origin.metadata.name}-wildcard`;
}

/** A copy of a certificate's Secret in the gateway's namespace, where Istio looks for it. */
export function makeCopy(origin: Secret, name: string, namespace: string): Secret {
  const { name: originName, namespace: originNamespace = "", labels = {} } = origin.metadata;
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: {
      name,
      namespace,
      labels: {
        ...originLabels(originName, originNamespace),
        [certificateUidLabel]: labels[certificateUidLabel] ?? "",
      },
      ...(originName.length > longestLabelValue && { annotations: { [originSecretNameLabel]: originName } }),
    },
    ...(origin.data && { data: origin.data }),
    ...(origin.type && { type: origin.type }),
  };
}

/** The labels by which the copies of a Secret are found; names are longer than label values may be. */
export function originLabels(name: string, namespace: string): Record<string, string> {
  const sum = String(adler32(name));
  const short = name.length <= longestLabelValue ? name : `${name.slice(0, longestLabelValue - sum.length - 1)}-${sum}`;
  return { [originSecretNamespaceLabel]: namespace, [originSecretNameLabel]: short };
}

/** The hosts of a Secret's certificate. Throws where there is none that can be read. */
export function hostsOfSecret(secret: Secret): string[] {
  const { name, namespace } = secret.metadata;
  const pem = Buffer.from(secret.data?.["tls.crt"] ?? "", "base64");
  let names: string;
  try {
    names = new X509Certificate(pem).subjectAltName ?? "";
  } catch (error) {
    throw new Error(`failed to parse certificate for secret ${namespace}/${name}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  const hosts = names.split(", ").flatMap((entry) => (entry.startsWith("DNS:") ? [entry.slice("DNS:".length)] : []));
  if (hosts.length === 0)
    throw new Error(`certificate of secret ${namespace}/${name} should have DNS names, but it has none`);
  return hosts;
}

export function isWildcard(secret: Secret): boolean {
  return hostsOfSecret(secret).some((host) => host.startsWith("*."));
}
