import { createPrivateKey, X509Certificate } from "node:crypto";
import type { Secret } from "../apis/core/secret.ts";
import type { Informer } from "../kube/api.ts";
import type { Logger } from "../lib/log.ts";

/** A certificate and its key, PEM. */
export interface ServingPair {
  readonly cert: string;
  readonly key: string;
}

/** The certificate that a server shows. */
export interface CertificateSource {
  /** Undefined until there is one. */
  current(): ServingPair | undefined;
  /** Calls back with every later one; returns the way to stop. */
  onChange(handler: (pair: ServingPair) => void): () => void;
}

/** Names of the values in the Secret of the webhooks' certificate. */
export const secretKeys = {
  key: "server-key.pem",
  certificate: "server-cert.pem",
  /** The authorities that are to be trusted: that of the certificate, and for a while that of the one before. */
  authority: "ca-cert.pem",
  /** The certificate that follows, while everybody learns to trust its authority. */
  nextKey: "next-server-key.pem",
  nextCertificate: "next-server-cert.pem",
} as const;

/** A value of a Secret as text; "" where it is not there. */
export function secretText(secret: Secret, name: string): string {
  return Buffer.from(secret.data?.[name] ?? "", "base64").toString("utf8");
}

/** The key and certificate of a Secret, if they belong together. */
export function servingPairOf(
  secret: Secret,
  certificateName: string = secretKeys.certificate,
  keyName: string = secretKeys.key,
): ServingPair | undefined {
  const pair = { cert: secretText(secret, certificateName), key: secretText(secret, keyName) };
  if (pair.cert === "" || pair.key === "") return undefined;
  try {
    return new X509Certificate(pair.cert).checkPrivateKey(createPrivateKey(pair.key)) ? pair : undefined;
  } catch {
    // Not PEM, or no certificate: as good as none. Whoever makes certificates replaces it.
    return undefined;
  }
}

/** Follows the certificate in a Secret. One that cannot be used leaves the one before in force. */
export function followCertificate(
  secrets: Pick<Informer<Secret>, "onChange">,
  ref: { readonly namespace: string; readonly name: string },
  log: Logger,
): CertificateSource {
  const handlers = new Set<(pair: ServingPair) => void>();
  let current: ServingPair | undefined;
  secrets.onChange(({ type, object }) => {
    const { namespace, name } = object.metadata;
    if (type === "deleted" || namespace !== ref.namespace || name !== ref.name) return;
    const pair = servingPairOf(object);
    if (!pair) {
      log.warn(`the Secret ${namespace}/${name} holds no certificate that can be used`, {
        needed: [secretKeys.key, secretKeys.certificate],
      });
      return;
    }
    if (pair.cert === current?.cert && pair.key === current.key) return;
    current = pair;
    for (const handler of handlers) handler(pair);
  });
  return {
    current: () => current,
    onChange(handler) {
      handlers.add(handler);
      return () => handlers.delete(handler);
    },
  };
}
