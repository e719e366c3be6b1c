import { type Condition, conditionOf, isFalse, isTrue } from "../../apis/conditions.ts";
import { controllerReference, isControlledBy, type KubeObject } from "../../apis/meta.ts";
import type { Certificate } from "../../apis/networking/certificate.ts";
import type { IngressPath, IngressTLS } from "../../apis/networking/ingress.ts";
import { certificateClassAnnotations, certificateTypeLabel } from "../../apis/networking/labels.ts";
import type { Lister, Pass, Writer } from "../../kube/api.ts";
import { failed } from "../../kube/errors.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import type { Clock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/error-message.ts";
import { youthLeftMs } from "../youth.ts";
import { makeAnnotations } from "./settings.ts";

export type Challenge = NonNullable<NonNullable<Certificate["status"]>["http01Challenges"]>[number];
export type CertificateType = "external-domain" | "cluster-local-domain";

export interface CertificateRequest {
  readonly name: string;
  readonly dnsNames: readonly string[];
  /** The domain that the names are under. */
  readonly domain: string;
  readonly type: CertificateType;
  /** Which provider is asked, unless the owner's annotations say. */
  readonly certificateClass: string;
  /** The label that leads back to the owner. */
  readonly ownerLabel: string;
}

/** The Certificate that asks a provider for names. Source: serving v0.42.2 pkg/reconciler/route/resources/certificate.go. */
export function makeCertificate(owner: KubeObject, request: CertificateRequest): Certificate {
  const { name, dnsNames, domain, type, certificateClass, ownerLabel } = request;
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Certificate",
    metadata: {
      name,
      namespace: owner.metadata.namespace!,
      ownerReferences: [controllerReference(owner)],
      annotations: makeAnnotations(owner, { [certificateClassAnnotations[0]]: certificateClass }),
      labels: { [ownerLabel]: owner.metadata.name, [certificateTypeLabel]: type },
    },
    spec: { dnsNames: [...dnsNames], domain, secretName: name },
  };
}

/** A certificate of that name exists and belongs to somebody else. */
export class CertificateNotOwnedError extends Error {}

/** Makes the stored Certificate what is wanted. Rejects with CertificateNotOwnedError, or when the API refuses. */
export async function applyCertificate(
  owner: KubeObject,
  wanted: Certificate,
  deps: { readonly certificates: Lister<Certificate>; readonly certificateClient: Writer<Certificate> },
  { events, signal }: Pass<unknown>,
): Promise<Certificate> {
  const { name, namespace } = wanted.metadata;
  const present = deps.certificates.get({ namespace: namespace!, name });
  const refused = (reason: string, verb: string) => (error: unknown) => {
    events.warning(reason, `Failed to ${verb} Certificate ${namespace}/${name}: ${messageOf(error)}`);
    return failed(`failed to ${verb} Certificate`)(error);
  };
  if (!present) {
    const created = await deps.certificateClient.create(wanted, { signal }).catch(refused("CreationFailed", "create"));
    events.normal("Created", `Created Certificate ${namespace}/${name}`);
    return created;
  }
  if (!isControlledBy(present, owner)) {
    const type = `*${owner.apiVersion.split("/").at(-1)}.${owner.kind}`;
    throw new CertificateNotOwnedError(
      `notowned: owner: ${owner.metadata.name} with Type ${type} does not own Certificate: "${name}"`,
    );
  }
  const { annotations, labels } = wanted.metadata;
  const updated: Certificate = {
    ...present,
    metadata: { ...present.metadata, annotations: annotations!, labels: labels! },
    spec: wanted.spec,
  };
  if (semanticEqual(present, updated)) return present;
  const stored = await deps.certificateClient.update(updated, { signal }).catch(refused("UpdateFailed", "update"));
  events.normal("Updated", `Updated Spec for Certificate ${namespace}/${name}`);
  return stored;
}

/** Whether the provider is done with the present spec. */
export function isCertificateReady(certificate: Certificate): boolean {
  return isCurrent(certificate) && isTrue(conditionOf(certificate, "Ready"));
}

/** Whether the provider has given up on the present spec. */
export function isCertificateFailed(certificate: Certificate): boolean {
  return isCurrent(certificate) && isFalse(conditionOf(certificate, "Ready"));
}

function isCurrent({ metadata, status }: Certificate & { status?: { conditions?: Condition[] } }): boolean {
  return (status?.observedGeneration ?? 0) === (metadata.generation ?? 0);
}

/**
 * A sentence for whoever waits for a Certificate that no provider has said anything of, though it is not new any more:
 * most often none is installed for its class. "" where there is nothing to say.
 */
export function silenceAbout(certificate: Certificate, clock: Pick<Clock, "now">): string {
  const { annotations, creationTimestamp } = certificate.metadata;
  if (!creationTimestamp || isAnswered(certificate) || youthLeftMs(certificate, clock) > 0) return "";
  const className = certificateClassAnnotations.map((key) => annotations?.[key]).find(Boolean) ?? "";
  return ` No certificate provider has answered; is one of class ${JSON.stringify(className)} installed?`;
}

/** In how many milliseconds there will be silence about one of these Certificates unless providers answer, if ever. */
export function silenceInMs(certificates: readonly Certificate[], clock: Pick<Clock, "now">): number | undefined {
  const silent = certificates.filter((certificate) => !isAnswered(certificate));
  const times = silent.map((certificate) => youthLeftMs(certificate, clock)).filter((left) => left > 0);
  return times.length > 0 ? Math.min(...times) : undefined;
}

function isAnswered({ status }: Certificate): boolean {
  return (status?.conditions ?? []).length > 0;
}

/** Lets an Ingress serve the certificate for these hosts. */
export function makeIngressTls(certificate: Certificate, hosts: readonly string[]): IngressTLS {
  return {
    hosts: [...hosts],
    secretName: certificate.spec.secretName,
    secretNamespace: certificate.metadata.namespace!,
  };
}

/** What a provider wants to be reachable, to prove that the hosts are ours. */
export function challengesOf(certificate: Certificate): readonly Challenge[] {
  return certificate.status?.http01Challenges ?? [];
}

/** Challenges in the order of their URLs, whichever way they came together. */
export function sortChallenges(challenges: readonly Challenge[]): readonly Challenge[] {
  return [...challenges].sort((a, b) => ((a.url ?? "") < (b.url ?? "") ? -1 : 1));
}

/** The paths by which a provider proves that the hosts are ours, and the hosts of challenges that `hosts` lacks. */
export function makeChallengePaths(
  challenges: readonly Challenge[],
  hosts: readonly string[],
): { readonly paths: IngressPath[]; readonly extraHosts: string[] } {
  const parsed = challenges.map((challenge) => ({ challenge, url: new URL(challenge.url ?? "") }));
  return {
    extraHosts: parsed.map(({ url }) => url.host).filter((host) => !hosts.includes(host)),
    paths: parsed.map(({ challenge, url }) => ({
      path: url.pathname,
      splits: [
        {
          serviceNamespace: challenge.serviceNamespace ?? "",
          serviceName: challenge.serviceName ?? "",
          servicePort: challenge.servicePort ?? 0,
          percent: 100,
        },
      ],
    })),
  };
}
