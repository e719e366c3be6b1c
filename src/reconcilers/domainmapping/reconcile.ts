import { type ConditionDraft, conditionSet } from "../../apis/conditions.ts";
import { Service } from "../../apis/core/service.ts";
import { Certificate } from "../../apis/networking/certificate.ts";
import { ClusterDomainClaim } from "../../apis/networking/clusterdomainclaim.ts";
import { Ingress, type IngressTLS } from "../../apis/networking/ingress.ts";
import { draftConditions, observed, waitUnderWay } from "../../apis/observed.ts";
import { DomainMapping } from "../../apis/serving/domainmapping.ts";
import { domainMappingUidLabel } from "../../apis/serving/labels.ts";
import { Route } from "../../apis/serving/route.ts";
import { KnativeService } from "../../apis/serving/service.ts";
import type { ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess, Lister, Outcome, Pass, StatusOf, Writer } from "../../kube/api.ts";
import { failed, isNotFound } from "../../kube/errors.ts";
import { childName } from "../../lib/child-name.ts";
import {
  applyCertificate,
  CertificateNotOwnedError,
  type Challenge,
  challengesOf,
  isCertificateReady,
  makeCertificate,
  makeIngressTls,
  silenceAbout,
  silenceInMs,
  sortChallenges,
} from "../networking/certificate.ts";
import { applyIngress, type IngressDeps, markIngressNotConfigured, propagateIngress } from "../networking/ingress.ts";
import { httpOptionOf, ingressClassOf, isExternalTlsEnabled } from "../networking/settings.ts";
import { makeIngress, pathByName, pathsOfRoute } from "./ingress.ts";
import { resolveTarget, type Target, type TargetSources, UnresolvedError } from "./target.ts";

/** What a domain mapping may read, and what it may write. */
export interface Deps extends IngressDeps, TargetSources {
  readonly claims: Lister<ClusterDomainClaim>;
  readonly claimClient: Writer<ClusterDomainClaim>;
  readonly certificates: Lister<Certificate>;
  readonly certificateClient: Writer<Certificate>;
}

export const domainMappingReconciler = {
  kind: DomainMapping,
  reconcile: reconcileDomainMapping,
  finalizer: { name: "domainmappings.serving.knative.dev", finalize: finalizeDomainMapping },
  deps: ({ client, informers }: ClusterAccess) => ({
    services: informers.of(Service),
    knativeServices: informers.of(KnativeService),
    routes: informers.of(Route),
    client,
    ingresses: informers.of(Ingress),
    ingressClient: client.of(Ingress),
    certificates: informers.of(Certificate),
    certificateClient: client.of(Certificate),
    claims: informers.of(ClusterDomainClaim),
    claimClient: client.of(ClusterDomainClaim),
  }),
};

type Status = StatusOf<DomainMapping>;

const domainMappingConditions = conditionSet(
  "Ready",
  "DomainClaimed",
  "ReferenceResolved",
  "IngressReady",
  "CertificateProvisioned",
);

/** Leads a domain name to a target of the same namespace. Source: serving v0.42.2 pkg/reconciler/domainmapping. */
async function reconcileDomainMapping(
  mapping: DomainMapping,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<Outcome<DomainMapping>> {
  const conditions = draftConditions(mapping, domainMappingConditions, pass.clock);
  if ((mapping.status?.observedGeneration ?? 0) !== (mapping.metadata.generation ?? 0))
    markIngressNotConfigured(conditions);
  const status: Status = { ...mapping.status };
  const show = (scheme: string) => {
    status.url = `${scheme}://${mapping.metadata.name}`;
    status.address = { url: status.url };
  };
  show(pass.config.network.defaultExternalScheme);
  let error: unknown;
  let requeueAfterMs: number | undefined;
  try {
    await claimDomain(mapping, conditions, deps, pass);
    const { tls, challenges, scheme, unready } = await reconcileTls(mapping, conditions, deps, pass);
    requeueAfterMs = silenceInMs(unready ? [unready] : [], pass.clock);
    if (scheme) show(scheme);
    const target = await findTarget(mapping, conditions, deps, pass);
    const wanted = makeIngress(mapping, {
      ingressClass: ingressClassOf(mapping, pass.config.network),
      httpOption: httpOptionOf(mapping, pass.config.network),
      paths: pathsTo(mapping, target, deps),
      tls,
      challenges,
    });
    propagateIngress(conditions, await applyIngress(wanted, deps, pass));
  } catch (caught) {
    error = caught;
  }
  return {
    status: { ...status, ...observed(mapping, conditions) },
    ...waitUnderWay(mapping, conditions, domainMappingConditions),
    ...(requeueAfterMs !== undefined && { requeueAfterMs }),
    error,
  };
}

/** Gives the domain free, where the claim was made for the mapping and belongs to its namespace. */
async function finalizeDomainMapping(
  { metadata }: DomainMapping,
  { claims, claimClient }: Deps,
  { config, signal }: Pass<ServingConfig>,
): Promise<void> {
  if (!config.network.autocreateClusterDomainClaims) return;
  const claim = claims.get({ name: metadata.name });
  if (claim?.spec.namespace !== metadata.namespace) return;
  await claimClient.delete({ name: metadata.name }, { signal }).catch((error) => {
    if (!isNotFound(error)) throw error;
  });
}

/** The claim that gives a domain to a namespace. */
export function makeDomainClaim({ metadata }: DomainMapping): ClusterDomainClaim {
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "ClusterDomainClaim",
    metadata: { name: metadata.name },
    spec: { namespace: metadata.namespace! },
  };
}

/** The Certificate for a domain. */
export function makeDomainCertificate(mapping: DomainMapping, certificateClass: string): Certificate {
  const { name } = mapping.metadata;
  return makeCertificate(mapping, {
    name: childName(name, ""),
    dnsNames: [name],
    domain: name,
    type: "external-domain",
    certificateClass,
    ownerLabel: domainMappingUidLabel,
  });
}

async function claimDomain(
  mapping: DomainMapping,
  conditions: ConditionDraft,
  { claims, claimClient }: Deps,
  { config, signal }: Pass<ServingConfig>,
): Promise<void> {
  const { name, namespace } = mapping.metadata;
  const claim = claims.get({ name });
  const refuse = (why: string): never => {
    conditions.markFalse(
      "DomainClaimed",
      "DomainAlreadyClaimed",
      "The domain name is already in use by another DomainMapping",
    );
    throw new Error(why);
  };
  if (!claim && !config.network.autocreateClusterDomainClaims) {
    refuse(
      `no ClusterDomainClaim found for domain "${name}" (and autocreate-cluster-domain-claims property is not true)`,
    );
  }
  if (claim && claim.spec.namespace !== namespace) {
    refuse(`namespace "${namespace}" does not own ClusterDomainClaim for "${name}"`);
  }
  if (!claim) {
    await claimClient.create(makeDomainClaim(mapping), { signal }).catch(failed("failed to create ClusterDomainClaim"));
  }
  conditions.markTrue("DomainClaimed");
}

interface TlsPlan {
  readonly tls: readonly IngressTLS[];
  readonly challenges: readonly Challenge[];
  /** That of the URL, where it is no longer the configured one. */
  readonly scheme?: "http" | "https";
  readonly unready?: Certificate;
}

async function reconcileTls(
  mapping: DomainMapping,
  conditions: ConditionDraft,
  deps: Deps,
  pass: Pass<ServingConfig>,
): Promise<TlsPlan> {
  const { name, namespace } = mapping.metadata;
  const { network } = pass.config;
  const condition = "CertificateProvisioned";
  if (mapping.spec.tls) {
    conditions.markTrue(condition, "CertificateExternallyProvided", "TLS certificate was provided externally");
    const { secretName } = mapping.spec.tls;
    return { tls: [{ hosts: [name], secretName, secretNamespace: namespace! }], challenges: [], scheme: "https" };
  }
  if (!isExternalTlsEnabled(mapping, network)) {
    conditions.markTrue(condition, "TLSNotEnabled", "external-domain-tls is not enabled");
    return { tls: [], challenges: [] };
  }
  const wanted = makeDomainCertificate(mapping, network.defaultCertificateClass);
  const certificateName = wanted.metadata.name;
  const certificate = await applyCertificate(mapping, wanted, deps, pass).catch((error) => {
    if (error instanceof CertificateNotOwnedError) {
      conditions.markFalse(
        condition,
        "CertificateNotOwned",
        `There is an existing certificate ${certificateName} that we don't own.`,
      );
    } else {
      conditions.markFalse(
        condition,
        "CertificateProvisionFailed",
        `Certificate ${certificateName} failed to be provisioned.`,
      );
    }
    throw error;
  });
  if (isCertificateReady(certificate)) {
    conditions.markTrue(condition);
    return { tls: [makeIngressTls(certificate, wanted.spec.dnsNames)], challenges: [], scheme: "https" };
  }
  const challenges = sortChallenges(challengesOf(certificate));
  const silence = silenceAbout(certificate, pass.clock);
  if (network.httpProtocol === "enabled") {
    conditions.markTrue(
      condition,
      "HTTPDowngrade",
      `Certificate ${certificateName} is not ready downgrade HTTP.${silence}`,
    );
    return { tls: [], challenges, scheme: "http", unready: certificate };
  }
  conditions.markUnknown(condition, "CertificateNotReady", `Certificate ${certificateName} is not ready.${silence}`);
  return { tls: [], challenges, scheme: "https", unready: certificate };
}

async function findTarget(
  mapping: DomainMapping,
  conditions: ConditionDraft,
  deps: Deps,
  { signal }: Pass<ServingConfig>,
): Promise<Target> {
  try {
    const target = await resolveTarget(mapping, deps, signal);
    conditions.markTrue("ReferenceResolved");
    return target;
  } catch (error) {
    if (!(error instanceof UnresolvedError)) throw error;
    conditions.markFalse("ReferenceResolved", "ResolveFailed", error.message);
    throw error.message.startsWith("resolved URI") ? error : failed("resolving reference")(error);
  }
}

/** Straight to the revisions where the target is a route of ours, else over the target's name. */
function pathsTo(mapping: DomainMapping, { service, host }: Target, { ingresses }: Deps) {
  const isRoute = mapping.spec.ref.apiVersion?.startsWith("serving.knative.dev/");
  const ofRoute = ingresses.get({ namespace: mapping.metadata.namespace!, name: childName(service, "") });
  return (isRoute && pathsOfRoute(ofRoute, host)) || [pathByName(mapping, service, host)];
}
