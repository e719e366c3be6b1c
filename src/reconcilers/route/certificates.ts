import { type ConditionDraft, conditionOf } from "../../apis/conditions.ts";
import { isControlledBy } from "../../apis/meta.ts";
import type { Certificate } from "../../apis/networking/certificate.ts";
import { sortBytes } from "../../apis/networking/hosts.ts";
import type { IngressTLS } from "../../apis/networking/ingress.ts";
import { certificateTypeLabel, wildcardDomainLabel } from "../../apis/networking/labels.ts";
import { routeLabel } from "../../apis/serving/labels.ts";
import type { Route } from "../../apis/serving/route.ts";
import { defaultDomain, lookupDomain } from "../../config/domain.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { Lister, Pass, Writer } from "../../kube/api.ts";
import { adler32 } from "../../lib/adler32.ts";
import type { Clock } from "../../lib/clock.ts";
import { messageOf } from "../../lib/error-message.ts";
import {
  applyCertificate,
  CertificateNotOwnedError,
  type CertificateType,
  type Challenge,
  challengesOf,
  isCertificateFailed,
  isCertificateReady,
  makeCertificate,
  makeIngressTls,
  silenceAbout,
  sortChallenges,
} from "../networking/certificate.ts";
import { certificateClassOf } from "../networking/settings.ts";

export interface CertificateDeps {
  readonly certificates: Lister<Certificate>;
  readonly certificateClient: Writer<Certificate>;
}

/** What certificates add to a route's Ingress and URLs. */
export interface TlsPlan {
  readonly tls: readonly IngressTLS[];
  readonly challenges: readonly Challenge[];
  /** The scheme of every host that a certificate was asked for. */
  readonly schemes: ReadonlyMap<string, "http" | "https">;
  /** Those that are not there yet. */
  readonly unready: readonly Certificate[];
}

/** One Certificate for each host, by tag. Source of this file: serving v0.42.2 pkg/reconciler/route. */
export function makeCertificates(
  route: Route,
  tagOfHost: ReadonlyMap<string, string>,
  certificateClass: string,
  domain: string,
): Certificate[] {
  return sortBytes(tagOfHost.keys()).map((host) =>
    makeCertificate(route, {
      name: certificateName(route, tagOfHost.get(host)!),
      dnsNames: [host],
      domain,
      type: "external-domain",
      certificateClass,
      ownerLabel: routeLabel,
    }),
  );
}

/** The Certificate for the hosts that a tag has inside the cluster. */
function makeLocalCertificate(
  route: Route,
  tag: string,
  hosts: readonly string[],
  certificateClass: string,
): Certificate {
  return makeCertificate(route, {
    name: `${certificateName(route, tag)}-local`,
    dnsNames: sortBytes(hosts),
    domain: defaultDomain,
    type: "cluster-local-domain",
    certificateClass,
    ownerLabel: routeLabel,
  });
}

function certificateName(route: Route, tag: string): string {
  const name = `route-${route.metadata.uid ?? ""}`;
  return tag === "" ? name : `${name}-${adler32(tag)}`;
}

/** Asks for certificates for the hosts outside of the cluster, and says in CertificateProvisioned how that goes. */
export async function reconcileExternalCertificates(
  route: Route,
  tagOfHost: ReadonlyMap<string, string>,
  conditions: ConditionDraft,
  deps: CertificateDeps,
  pass: Pass<ServingConfig>,
): Promise<TlsPlan> {
  const { network, domain } = pass.config;
  const namespace = route.metadata.namespace!;
  const routeDomain = lookupDomain(domain, route.metadata.labels ?? {});
  const wildcards = deps.certificates.list({ namespace, labels: { [wildcardDomainLabel]: routeDomain } });
  const tls: IngressTLS[] = [];
  const challenges: Challenge[] = [];
  const schemes = new Map<string, "http" | "https">();
  const unready: Certificate[] = [];

  for (const wanted of makeCertificates(route, tagOfHost, certificateClassOf(route, network), routeDomain)) {
    // One certificate for a whole domain saves asking for another, which takes long and is rationed.
    const wildcard = wildcards.find((certificate) => coversAll(certificate, wanted.spec.dnsNames));
    const certificate = wildcard ?? (await applyOrMark(route, wanted, conditions, deps, pass));
    const hosts = wildcard ? wanted.spec.dnsNames : sortBytes(certificate.spec.dnsNames);
    const setScheme = (scheme: "http" | "https") => {
      for (const host of hosts) schemes.set(host, scheme);
    };
    setScheme("https");
    if (isCertificateReady(certificate)) {
      if (conditionOf(certificate, "Renewing")?.status === "True") challenges.push(...challengesOf(certificate));
      conditions.markTrue("CertificateProvisioned");
      tls.push(makeIngressTls(certificate, hosts));
      continue;
    }
    challenges.push(...challengesOf(certificate));
    unready.push(certificate);
    markUnready(certificate, conditions, pass.clock);
    if (network.httpProtocol !== "enabled") continue;
    setScheme("http");
    conditions.markTrue(
      "CertificateProvisioned",
      "HTTPDowngrade",
      `Certificate ${certificate.metadata.name} is not ready downgrade HTTP.${silenceAbout(certificate, pass.clock)}`,
    );
  }
  await deleteOrphans(route, new Set(tagOfHost.keys()), "external-domain", deps, pass);
  return { tls, challenges: sortChallenges(challenges), schemes, unready };
}

/** Asks for certificates for the hosts inside the cluster, by tag. */
export async function reconcileLocalCertificates(
  route: Route,
  hostsOfTag: ReadonlyMap<string, readonly string[]>,
  conditions: ConditionDraft,
  deps: CertificateDeps,
  pass: Pass<ServingConfig>,
): Promise<TlsPlan> {
  const tls: IngressTLS[] = [];
  const schemes = new Map<string, "http" | "https">();
  const unready: Certificate[] = [];
  for (const [tag, hosts] of hostsOfTag) {
    const wanted = makeLocalCertificate(route, tag, hosts, certificateClassOf(route, pass.config.network));
    const certificate = await applyOrMark(route, wanted, conditions, deps, pass);
    if (isCertificateReady(certificate)) {
      for (const host of hosts) schemes.set(host, "https");
      tls.push(makeIngressTls(certificate, hosts));
    } else {
      unready.push(certificate);
    }
  }
  if (unready.length === 0) conditions.markTrue("CertificateProvisioned");
  // One that failed tells more than one that is still under way.
  const failedLast = unready.toSorted((a, b) => Number(isCertificateFailed(a)) - Number(isCertificateFailed(b)));
  for (const certificate of failedLast) markUnready(certificate, conditions, pass.clock);
  await deleteOrphans(route, new Set([...hostsOfTag.values()].flat()), "cluster-local-domain", deps, pass);
  return { tls, challenges: [], schemes, unready };
}

async function applyOrMark(
  route: Route,
  wanted: Certificate,
  conditions: ConditionDraft,
  deps: CertificateDeps,
  pass: Pass<unknown>,
): Promise<Certificate> {
  try {
    return await applyCertificate(route, wanted, deps, pass);
  } catch (error) {
    const { name } = wanted.metadata;
    if (error instanceof CertificateNotOwnedError) {
      conditions.markFalse(
        "CertificateProvisioned",
        "CertificateNotOwned",
        `There is an existing certificate ${name} that we don't own.`,
      );
    } else {
      markFailed(wanted, conditions);
    }
    throw error;
  }
}

function markUnready(certificate: Certificate, conditions: ConditionDraft, clock: Pick<Clock, "now">): void {
  if (isCertificateFailed(certificate)) {
    markFailed(certificate, conditions);
    return;
  }
  const reason = conditionOf(certificate, "Ready")?.reason ?? "";
  conditions.markUnknown(
    "CertificateProvisioned",
    "CertificateNotReady",
    `Certificate ${certificate.metadata.name} is not ready: ${reason || silenceAbout(certificate, clock).trimStart()}`,
  );
}

function markFailed(certificate: Certificate, conditions: ConditionDraft): void {
  const reason = conditionOf(certificate, "Ready")?.reason ?? "";
  conditions.markFalse(
    "CertificateProvisioned",
    "CertificateProvisionFailed",
    `Certificate ${certificate.metadata.name} fails to be provisioned: ${reason}`,
  );
}

/** Deletes what was asked for under hosts that the route has no more. */
async function deleteOrphans(
  route: Route,
  hosts: ReadonlySet<string>,
  type: CertificateType,
  { certificates, certificateClient }: CertificateDeps,
  { events, signal }: Pass<unknown>,
): Promise<void> {
  const namespace = route.metadata.namespace!;
  const labels = { [routeLabel]: route.metadata.name, [certificateTypeLabel]: type };
  for (const certificate of certificates.list({ namespace, labels })) {
    if (certificate.spec.dnsNames.some((host) => hosts.has(host)) || !isControlledBy(certificate, route)) continue;
    const { name } = certificate.metadata;
    try {
      await certificateClient.delete({ namespace, name }, { signal });
      events.normal("Deleted", `Deleted orphaned Knative Certificate ${namespace}/${name}`);
    } catch (error) {
      events.normal(
        "DeleteFailed",
        `Failed to delete orphaned Knative Certificate ${namespace}/${name}: ${messageOf(error)}`,
      );
    }
  }
}

/** Whether a wildcard certificate covers all these hosts: they differ from its names in the first label only. */
function coversAll(certificate: Certificate, hosts: readonly string[]): boolean {
  const parents = new Set(certificate.spec.dnsNames.flatMap((name) => parentOf(name) ?? []));
  return hosts.every((host) => parents.has(parentOf(host) ?? ""));
}

function parentOf(host: string): string | undefined {
  const dot = host.indexOf(".");
  return dot < 0 ? undefined : host.slice(dot + 1);
}
