import { createHash, createPrivateKey, createPublicKey, type KeyObject, sign, verify } from "node:crypto";

/** Source: k8s.io/kubernetes pkg/serviceaccount claims. Times are seconds. */
export interface TokenClaims {
  readonly iss: string;
  readonly sub: string;
  readonly aud: readonly string[];
  readonly exp: number;
  readonly iat: number;
  readonly nbf: number;
  readonly "kubernetes.io": {
    readonly namespace: string;
    readonly serviceaccount: { readonly name: string; readonly uid: string };
    readonly pod?: { readonly name: string; readonly uid: string };
    readonly secret?: { readonly name: string; readonly uid: string };
  };
}

/** Signs and checks the tokens by which service accounts prove who they are (JWT, ES256). */
export interface TokenSigner {
  sign(claims: TokenClaims): string;
  /** The claims of a token with a good signature that is valid now; else undefined. */
  verify(token: string, nowMs: number): TokenClaims | undefined;
  /** The public key as a JSON Web Key, for /openid/v1/jwks. */
  readonly jwk: Readonly<Record<string, unknown>>;
}

export const tokenIssuer = "https://kubernetes.default.svc.cluster.local";

const maxKnownTokens = 1000;

export function createTokenSigner(privateKeyPem: string): TokenSigner {
  const privateKey = createPrivateKey(privateKeyPem);
  const publicKey = createPublicKey(privateKey);
  const keyId = createHash("sha256")
    .update(publicKey.export({ type: "spki", format: "der" }))
    .digest("base64url");
  const header = encode({ alg: "ES256", kid: keyId });
  // Checking a signature costs more than the rest of a request, and the same tokens come again and again.
  const known = new Map<string, TokenClaims>();
  return {
    sign(claims) {
      const content = `${header}.${encode(claims)}`;
      const signature = sign("sha256", Buffer.from(content), { key: privateKey, dsaEncoding: "ieee-p1363" });
      return `${content}.${signature.toString("base64url")}`;
    },
    verify(token, nowMs) {
      let claims = known.get(token);
      if (!claims) {
        const parts = token.split(".");
        if (parts.length !== 3 || parts[0] !== header || !isSigned(parts, publicKey)) return undefined;
        claims = JSON.parse(Buffer.from(parts[1]!, "base64url").toString()) as TokenClaims;
        if (known.size >= maxKnownTokens) known.clear();
        known.set(token, claims);
      }
      const now = nowMs / 1000;
      return claims.iss === tokenIssuer && claims.exp > now && claims.nbf <= now + 60 ? claims : undefined;
    },
    jwk: { use: "sig", kid: keyId, alg: "ES256", ...publicKey.export({ format: "jwk" }) },
  };
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString("base64url");
}

function isSigned(parts: readonly string[], publicKey: KeyObject): boolean {
  const signature = Buffer.from(parts[2]!, "base64url");
  return verify(
    "sha256",
    Buffer.from(`${parts[0]}.${parts[1]}`),
    { key: publicKey, dsaEncoding: "ieee-p1363" },
    signature,
  );
}
