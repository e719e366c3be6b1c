import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Secret } from "../../apis/core/secret.ts";
import type { Outcome, Pass, Writer } from "../../kube/api.ts";
import { createAuthority, issueCertificate } from "../../lib/x509.ts";

/** What keeping the certificate takes. */
export interface Deps {
  readonly secretClient: Writer<Secret>;
}

const dayMs = 24 * 3_600_000;
const validMs = 7 * dayMs;
const renewBeforeMs = dayMs;

/**
 * Fills the Secret that the shared gateway serves TLS with: a certificate for any name, for a load balancer in front
 * that asks for TLS but verifies nothing. Signed by an authority that nobody keeps; renewed a day before it ends.
 * Source: hakn v1.12.2 pkg/reconciler/certificates.
 */
export async function reconcileGatewayCertificate(
  secret: Secret,
  { secretClient }: Deps,
  { clock, signal, log }: Pass<unknown>,
): Promise<Outcome<Secret>> {
  const renewInMs = endOf(secret) - renewBeforeMs - clock.now();
  if (renewInMs > 0) return { requeueAfterMs: renewInMs };
  const data = await makeCertificate(clock.now());
  const { stringData: _, ...kept } = secret;
  await secretClient.update({ ...kept, data }, { signal });
  log.info("The gateway has a new certificate");
  return { requeueAfterMs: validMs - renewBeforeMs };
}

/** When the certificate ends, Unix epoch milliseconds; 0 where there is none that can be used. */
function endOf({ data = {} }: Secret): number {
  try {
    const decode = (field: string) => Buffer.from(data[field] ?? "", "base64");
    const certificate = new X509Certificate(decode("tls.crt"));
    return certificate.checkPrivateKey(createPrivateKey(decode("tls.key"))) ? Date.parse(certificate.validTo) : 0;
  } catch {
    return 0;
  }
}

async function makeCertificate(nowMs: number): Promise<Record<string, string>> {
  const period = { notBefore: nowMs, notAfter: nowMs + validMs };
  const authority = await createAuthority({ commonName: "*", ...period });
  const issued = await issueCertificate(authority, {
    commonName: "*",
    organizations: ["hakn"],
    dnsNames: ["*"],
    usages: ["server"],
    ...period,
  });
  const encode = (pem: string) => Buffer.from(pem).toString("base64");
  return { "tls.crt": encode(issued.certificate), "tls.key": encode(issued.key) };
}
