import { type KubeObject, lastAppliedAnnotation } from "../../apis/meta.ts";
import {
  certificateClassAnnotations,
  disableExternalDomainTlsAnnotations,
  httpProtocolAnnotations,
  ingressClassAnnotations,
} from "../../apis/networking/labels.ts";
import type { NetworkConfig } from "../../config/network.ts";

/** Annotations of routes and domain mappings that do not go on to their Ingresses and Certificates: kubectl's, and old spellings. */
const ownAnnotations: readonly string[] = [
  lastAppliedAnnotation,
  certificateClassAnnotations[1],
  ingressClassAnnotations[1],
];

/** The value under the first of these keys that is there. */
export function annotationOf(object: KubeObject, keys: readonly string[]): string | undefined {
  const { annotations = {} } = object.metadata;
  const key = keys.find((key) => annotations[key] !== undefined);
  return key === undefined ? undefined : annotations[key];
}

/** The annotations of a child: `made`, under the owner's. */
export function makeAnnotations(owner: KubeObject, made: Readonly<Record<string, string>>): Record<string, string> {
  const all = Object.entries({ ...made, ...owner.metadata.annotations });
  return Object.fromEntries(all.filter(([key]) => !ownAnnotations.includes(key)));
}

export function ingressClassOf(object: KubeObject, network: NetworkConfig): string {
  return annotationOf(object, ingressClassAnnotations) || network.defaultIngressClass;
}

export function certificateClassOf(object: KubeObject, network: NetworkConfig): string {
  return annotationOf(object, certificateClassAnnotations) || network.defaultCertificateClass;
}

/**
 * What is done with plain HTTP; undefined where it is switched off. Throws when the annotation makes no sense.
 * Source: serving v0.42.2 pkg/networking GetHTTPOption.
 */
export function httpOptionOf(object: KubeObject, network: NetworkConfig): "Enabled" | "Redirected" | undefined {
  const own = annotationOf(object, httpProtocolAnnotations)?.toLowerCase();
  const protocol = own || network.httpProtocol;
  if (protocol === "enabled") return "Enabled";
  if (protocol === "redirected") return "Redirected";
  if (own) throw new Error(`incorrect http-protocol annotation: ${own}`);
  return undefined;
}

/** Whether hosts outside of the cluster get certificates. */
export function isExternalTlsEnabled(object: KubeObject, network: NetworkConfig): boolean {
  const disabled = annotationOf(object, disableExternalDomainTlsAnnotations) ?? "";
  return network.externalDomainTLS && !["1", "t", "T", "true", "TRUE", "True"].includes(disabled);
}
