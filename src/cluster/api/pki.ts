import { generateKeyPairSync, randomBytes } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { CertificatePair } from "../../lib/x509.ts";

/** The secrets of a cluster: made at its first start, kept in `<dataDir>/pki`. */
export interface Pki {
  readonly authority: CertificatePair;
  readonly server: CertificatePair;
  readonly admin: CertificatePair;
  /** Authenticates as the control plane itself (system:masters) over loopback. */
  readonly adminToken: string;
  /** Signs service account tokens (ECDSA P-256, PEM). */
  readonly tokenKey: string;
}

export interface PkiRequest {
  readonly dnsNames: readonly string[];
  readonly ipAddresses: readonly string[];
  readonly nowMs: number;
}

const file = "pki.json";
const yearMs = 365 * 24 * 3600 * 1000;

/** Reads the cluster's secrets, or makes them. The server's certificate is made anew when it lacks a name or ends soon. */
export async function loadPki(dataDir: string, request: PkiRequest): Promise<Pki> {
  const directory = join(dataDir, "pki");
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  const path = join(directory, file);
  const stored = read(path);
  const names = [...request.dnsNames, ...request.ipAddresses];
  const fresh = stored && stored.expiresAt - request.nowMs > yearMs / 12;
  if (stored && fresh && names.every((name) => stored.names.includes(name))) return stored.pki;

  // Loaded only here: making certificates needs a library that a later start does without.
  const { createAuthority, issueCertificate } = await import("../../lib/x509.ts");
  const notBefore = request.nowMs - 3600_000;
  const expiresAt = request.nowMs + yearMs;
  const authority =
    stored?.pki.authority ??
    (await createAuthority({ commonName: "kubernetes", notBefore, notAfter: request.nowMs + 10 * yearMs }));
  const issue = (commonName: string, usage: "server" | "client", organizations: readonly string[] = []) =>
    issueCertificate(authority, {
      commonName,
      organizations,
      usages: [usage],
      ...(usage === "server" && { dnsNames: request.dnsNames, ipAddresses: request.ipAddresses }),
      notBefore,
      notAfter: expiresAt,
    });
  const pki: Pki = {
    authority,
    server: await issue("kube-apiserver", "server"),
    admin: await issue("kubernetes-admin", "client", ["system:masters"]),
    adminToken: stored?.pki.adminToken ?? randomBytes(32).toString("base64url"),
    tokenKey: stored?.pki.tokenKey ?? makeTokenKey(),
  };
  // Written aside and renamed: a crash leaves the old file or the new one, never half of one.
  writeFileSync(`${path}.new`, JSON.stringify({ names, expiresAt, pki }), { mode: 0o600 });
  renameSync(`${path}.new`, path);
  return pki;
}

function makeTokenKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }).toString();
}

function read(path: string): { names: string[]; expiresAt: number; pki: Pki } | undefined {
  try {
    return JSON.parse(readFileSync(path, "utf8")) as { names: string[]; expiresAt: number; pki: Pki };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw new Error(`cannot read ${path}: remove it to make new certificates`, { cause: error });
  }
}
