import type { Loose } from "../walks/world.ts";
import {
  type Change,
  conditionOf,
  isReadyRight,
  objectsAfter,
  shown,
  statusAfter,
  subjectOf,
  withActions,
  withStatus,
} from "./outcome.ts";

const classKeys = ["networking.knative.dev/certificate-class", "networking.knative.dev/certificate.class"];
const youthMs = 10_000;

/** Whether a provider should have said something of it by now, and has not. */
function isSilent({ metadata, status }: Loose, now: string): boolean {
  const age = Date.parse(now) - Date.parse(metadata.creationTimestamp);
  return age >= youthMs && (status?.conditions ?? []).length === 0;
}

/** Says that no provider has answered. */
const silenceIsTold: Change = (upstream, request) => {
  if (request.controller !== "route" && request.controller !== "domainmapping") return undefined;
  const certificates = objectsAfter(upstream, request, "Certificate");
  return withStatus(upstream, request, ({ conditions = [] }) => {
    for (const condition of conditions) {
      const [, name, after = ""] =
        /^Certificate (\S+) is not ready(: ?| downgrade HTTP\.|\.)$/.exec(condition.message ?? "") ?? [];
      const certificate = certificates.find(({ metadata }) => metadata.name === name);
      if (!certificate || !isSilent(certificate, request.now)) continue;
      const { annotations = {} } = certificate.metadata;
      const className = classKeys.map((key) => annotations[key]).find(Boolean) ?? "";
      const told = `No certificate provider has answered; is one of class "${className}" installed?`;
      condition.message = `Certificate ${name} is not ready${after.trimEnd()} ${told}`;
    }
  });
};

function isEnabled(request: Loose, key: string): boolean {
  return /^enabled$/i.test(request.configMaps?.["config-network"]?.data?.[key] ?? "");
}

function readinessOf({ metadata, status }: Loose): Loose {
  const isCurrent = (status?.observedGeneration ?? 0) === (metadata.generation ?? 0);
  const ready = conditionOf(status, "Ready");
  return isCurrent && ready ? ready : { status: "Unknown", reason: ready?.reason };
}

/** The Certificates for a Route's names inside the cluster. */
function localCertificates(answer: Loose, request: Loose): Loose[] {
  const { uid } = subjectOf(request)!.metadata;
  return objectsAfter(answer, request, "Certificate").filter(
    ({ metadata }) => metadata.name.startsWith(`route-${uid}-`) && metadata.name.endsWith("-local"),
  );
}

/** What upstream may say of such a Certificate. */
function outcomeOf(certificate: Loose): Loose {
  const { name } = certificate.metadata;
  const { status, reason = "" } = readinessOf(certificate);
  if (status === "True") return { status: "True" };
  if (status === "False") {
    const message = `Certificate ${name} fails to be provisioned: ${reason}`;
    return { status: "False", reason: "CertificateProvisionFailed", message };
  }
  return { status: "Unknown", reason: "CertificateNotReady", message: `Certificate ${name} is not ready: ${reason}` };
}

function isSame(a: Loose | undefined, b: Loose | undefined): boolean {
  const wordsOf = (condition: Loose | undefined) =>
    ["status", "reason", "message"].map((field) => condition?.[field] ?? "").join("|");
  return wordsOf(a) === wordsOf(b);
}

/** Names inside the cluster: the worst Certificate counts rather than one by chance, and each tag's URL has its scheme. */
const localCertificatesCount: Change = (upstream, request, ours) => {
  const isAsked = request.controller === "route" && isEnabled(request, "cluster-local-domain-tls");
  if (!isAsked || upstream.error !== undefined || ours.error !== undefined) return undefined;
  const certificates = localCertificates(ours, request);
  const type = "CertificateProvisioned";
  const told = conditionOf(statusAfter(ours, request), type);
  const outcomes = certificates.map(outcomeOf);
  const worst = ["False", "Unknown"].find((status) => outcomes.some((outcome) => outcome.status === status)) ?? "True";
  const silent = certificates.filter((certificate) => isSilent(certificate, request.now)).map(outcomeOf);
  const isTold = outcomes.some(
    (outcome) =>
      outcome.status === worst &&
      (isSame(outcome, told) ||
        (silent.some((other) => isSame(other, outcome)) && told?.message?.startsWith(outcome.message))),
  );
  const drawn = conditionOf(statusAfter(upstream, request), type);
  if (certificates.length === 0 || !isTold || !outcomes.some((outcome) => isSame(outcome, drawn))) return undefined;
  if (!isReadyRight(statusAfter(ours, request))) return undefined;

  const hosts = new Set(
    certificates
      .filter((certificate) => readinessOf(certificate).status === "True")
      .flatMap(({ spec }) => spec.dnsNames),
  );
  const schemed = (url: string): string => {
    const host = url.replace(/^https?:\/\//, "");
    return hosts.has(host) ? `https://${host}` : url;
  };
  const changed = withStatus(upstream, request, (status) => {
    Object.assign(conditionOf(status, type)!, { reason: undefined, message: undefined }, told);
    const ready = conditionOf(statusAfter(ours, request), "Ready");
    Object.assign(conditionOf(status, "Ready")!, { reason: undefined, message: undefined }, ready);
    for (const target of status.traffic ?? []) if (target.url) target.url = schemed(target.url);
    if (status.address) status.address.url = schemed(status.address.url.replace("https://", "http://"));
  });
  return withTlsInOrder(changed, request, ours);
};

/** What upstream's Ingress serves in an order of chance, ours does in that of the tags. */
function withTlsInOrder(upstream: Loose, request: Loose, ours: Loose): Loose {
  const isIngress = ({ resource, subresource, verb }: Loose) =>
    resource.startsWith("ingresses.") && !subresource && verb !== "delete";
  const theirs = (upstream.actions ?? []).find(isIngress);
  const { name } = subjectOf(request)!.metadata;
  const wanted = objectsAfter(ours, request, "Ingress").find(({ metadata }) => metadata.name === name)?.spec.tls ?? [];
  if (!theirs || !isSameSet(theirs.object.spec.tls ?? [], wanted)) return upstream;
  const write = { ...theirs, object: { ...theirs.object, spec: { ...theirs.object.spec, tls: wanted } } };
  const stored = request.objects.find(({ kind, metadata }: Loose) => kind === "Ingress" && metadata.name === name);
  const isNeeded = !stored || JSON.stringify(shown(stored, request)) !== JSON.stringify(shown(write.object, request));
  const others = upstream.actions.filter((action: Loose) => action !== theirs);
  return withActions(upstream, isNeeded ? [...others, write] : others);
}

function isSameSet(a: Loose[], b: Loose[]): boolean {
  const textOf = (list: Loose[]) =>
    list
      .map((item) => JSON.stringify(item))
      .sort()
      .join();
  return textOf(a) === textOf(b);
}

export const certificateRules: readonly { readonly row: string; readonly change: Change }[] = [
  { row: "Several Certificates for names inside the cluster", change: localCertificatesCount },
  { row: "A Certificate that no provider has said anything of for 10 s", change: silenceIsTold },
];
