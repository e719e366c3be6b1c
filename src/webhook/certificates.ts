import { X509Certificate } from "node:crypto";
import { Secret } from "../apis/core/secret.ts";
import type { Client, Outcome, Pass } from "../kube/api.ts";
import { type Controller, type ControllerContext, startController } from "../kube/controller.ts";
import { serviceHostname } from "../lib/cluster-domain.ts";
import { createAuthority, issueCertificate } from "../lib/x509.ts";
import { secretKeys, secretText, servingPairOf } from "./certificate-source.ts";

/** Where the webhooks' certificate lives, and the Service that it is for. */
export interface CertificateDeps {
  readonly client: Client;
  readonly service: { readonly namespace: string; readonly name: string };
}

export const webhookSecretName = "webhook-certs";
const webhookServiceName = "webhook";

const dayMs = 86_400_000;
const lifetimeMs = 7 * dayMs;
const renewBeforeMs = dayMs;
/** Clocks of others may be late by so much. */
const skewMs = 5 * 60_000;
/** How long everybody has to learn of the next authority before its certificate is shown. */
const settleMs = 30_000;

/** The Secret's informer selection: of all Secrets only this one is ever read. */
export function webhookSecretSelection(namespace: string) {
  return { namespace, fieldSelector: `metadata.name=${webhookSecretName}` };
}

/** Keeps a fresh certificate in the Secret of the webhooks; the Secret itself has to be there already. */
export function startCertificatesController<Config>(context: ControllerContext<Config>, namespace: string): Controller {
  return startController(context, {
    name: "WebhookCertificates",
    kind: Secret,
    selection: webhookSecretSelection(namespace),
    filter: (secret) => secret.metadata.name === webhookSecretName,
    deps: { client: context.client, service: { namespace, name: webhookServiceName } },
    reconcile: reconcileCertificate,
  });
}

/**
 * Makes a certificate where there is none that works, and the next one a day before it expires. A new certificate has
 * a new authority, so it comes in two steps: first `ca-cert.pem` names both authorities, and only when the API server
 * had time to learn of the new one does the certificate change. No handshake fails in between.
 * Source: knative.dev/pkg webhook/certificates, as serving v0.42.2 requires it, which changes both at once.
 */
export async function reconcileCertificate(
  secret: Secret,
  { client, service }: CertificateDeps,
  { clock, events, signal }: Pick<Pass<unknown>, "clock" | "events" | "signal">,
): Promise<Outcome<Secret>> {
  const now = clock.now();
  const write = async (data: Record<string, string | undefined>): Promise<void> => {
    const encoded = Object.entries({ ...decoded(secret), ...data }).flatMap(([name, text]) =>
      text === undefined ? [] : [[name, Buffer.from(text).toString("base64")] as const],
    );
    await client.of(Secret).update({ ...secret, data: Object.fromEntries(encoded) }, { signal });
  };
  const { key, certificate, authority, nextKey, nextCertificate } = secretKeys;
  const authorities = secretText(secret, authority);

  const current = servingPairOf(secret);
  const expiresAt = current && isIssuedByOneOf(current.cert, authorities) ? expiryOf(current.cert) : 0;
  if (expiresAt <= now) {
    const made = await makePair(service, now);
    await write({
      [key]: made.key,
      [certificate]: made.certificate,
      [authority]: made.authority,
      [nextKey]: undefined,
      [nextCertificate]: undefined,
    });
    events.normal("CertificateCreated", `Made the certificate of ${service.name}: the Secret held none that works`);
    return { requeueAfterMs: lifetimeMs - renewBeforeMs };
  }

  const next = servingPairOf(secret, nextCertificate, nextKey);
  if (next && isIssuedByOneOf(next.cert, authorities) && expiryOf(next.cert) > now + renewBeforeMs) {
    const showAt = Date.parse(new X509Certificate(next.cert).validFrom) + skewMs + settleMs;
    if (now < showAt) return { requeueAfterMs: showAt - now };
    await write({ [key]: next.key, [certificate]: next.cert, [nextKey]: undefined, [nextCertificate]: undefined });
    events.normal("CertificateRenewed", `Renewed the certificate of ${service.name}`);
    return { requeueAfterMs: expiryOf(next.cert) - renewBeforeMs - now };
  }
  if (expiresAt > now + renewBeforeMs) return { requeueAfterMs: expiresAt - renewBeforeMs - now };

  const made = await makePair(service, now);
  const stillTrusted = certificatesIn(authorities).filter((pem) => expiryOf(pem) > now);
  await write({
    [authority]: [made.authority, ...stillTrusted].join(""),
    [nextKey]: made.key,
    [nextCertificate]: made.certificate,
  });
  return { requeueAfterMs: settleMs };
}

async function makePair(
  { name, namespace }: CertificateDeps["service"],
  now: number,
): Promise<{ key: string; certificate: string; authority: string }> {
  const commonName = `${name}.${namespace}.svc`;
  const validity = { notBefore: now - skewMs, notAfter: now + lifetimeMs };
  const authority = await createAuthority({ commonName, ...validity });
  const issued = await issueCertificate(authority, {
    commonName,
    organizations: ["knative.dev"],
    dnsNames: [name, `${name}.${namespace}`, commonName, serviceHostname(name, namespace)],
    usages: ["server"],
    ...validity,
  });
  return { key: issued.key, certificate: issued.certificate, authority: authority.certificate };
}

function decoded(secret: Secret): Record<string, string> {
  return Object.fromEntries(Object.keys(secret.data ?? {}).map((name) => [name, secretText(secret, name)]));
}

function expiryOf(pem: string): number {
  return Date.parse(new X509Certificate(pem).validTo);
}

function isIssuedByOneOf(pem: string, authorities: string): boolean {
  const certificate = new X509Certificate(pem);
  return certificatesIn(authorities).some((authority) => certificate.checkIssued(new X509Certificate(authority)));
}

/** The certificates in a text that can be read. */
function certificatesIn(text: string): string[] {
  const found = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return found.map((pem) => `${pem}\n`).filter(isCertificate);
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    // Whatever stands there is not trusted by anyone either.
    return false;
  }
}
