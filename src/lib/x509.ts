import {
  createHash,
  createPrivateKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  sign,
  X509Certificate,
} from "node:crypto";
import { isIP, isIPv4 } from "node:net";
import * as der from "./der.ts";

/** A certificate and its private key, both PEM (the key as PKCS #8). */
export interface CertificatePair {
  readonly certificate: string;
  readonly key: string;
}

export interface AuthorityRequest {
  readonly commonName: string;
  /** Unix epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

export interface CertificateRequest {
  readonly commonName: string;
  /** Subject O, one for each: for Kubernetes clients the groups. */
  readonly organizations?: readonly string[];
  readonly dnsNames?: readonly string[];
  readonly ipAddresses?: readonly string[];
  readonly usages: readonly ("server" | "client")[];
  /** Unix epoch milliseconds. */
  readonly notBefore: number;
  readonly notAfter: number;
}

const ids = {
  commonName: "2.5.4.3",
  organization: "2.5.4.10",
  ecdsaWithSha256: "1.2.840.10045.4.3.2",
  subjectKeyIdentifier: "2.5.29.14",
  keyUsage: "2.5.29.15",
  subjectAlternativeName: "2.5.29.17",
  basicConstraints: "2.5.29.19",
  authorityKeyIdentifier: "2.5.29.35",
  extendedKeyUsage: "2.5.29.37",
  server: "1.3.6.1.5.5.7.3.1",
  client: "1.3.6.1.5.5.7.3.2",
} as const;

/** Bits of keyUsage, from the left. */
const keyUsages = { digitalSignature: 0x80, keyEncipherment: 0x20, keyCertSign: 0x04, cRLSign: 0x02 } as const;

/** Makes a self-signed ECDSA P-256 certificate authority. */
export async function createAuthority(request: AuthorityRequest): Promise<CertificatePair> {
  const keys = generateKeys();
  const name = nameOf(request.commonName, []);
  const certificate = signed(keys.privateKey, {
    issuer: name,
    subject: name,
    request,
    publicKey: keys.publicKey,
    extensions: [
      basicConstraints(true),
      keyUsage(keyUsages.digitalSignature | keyUsages.keyCertSign | keyUsages.cRLSign),
      subjectKeyIdentifier(keys.publicKey),
    ],
  });
  return { certificate, key: exportKey(keys.privateKey) };
}

/** Makes an ECDSA P-256 certificate signed by `authority`, with the authority's key identifier and one of its own. */
export async function issueCertificate(
  authority: CertificatePair,
  request: CertificateRequest,
): Promise<CertificatePair> {
  const issuer = new X509Certificate(authority.certificate);
  const keys = generateKeys();
  const certificate = signed(createPrivateKey(authority.key), {
    issuer: subjectOf(issuer),
    subject: nameOf(request.commonName, request.organizations ?? []),
    request,
    publicKey: keys.publicKey,
    extensions: [
      basicConstraints(false),
      keyUsage(keyUsages.digitalSignature | keyUsages.keyEncipherment),
      extension(ids.extendedKeyUsage, der.sequence(...request.usages.map((usage) => der.objectIdentifier(ids[usage])))),
      extension(ids.authorityKeyIdentifier, der.sequence(der.context(0, keyIdentifier(issuer.publicKey), "primitive"))),
      subjectKeyIdentifier(keys.publicKey),
      ...alternativeNames(request),
    ],
  });
  return { certificate, key: exportKey(keys.privateKey) };
}

interface Content {
  readonly issuer: Buffer;
  readonly subject: Buffer;
  readonly request: Pick<AuthorityRequest, "notBefore" | "notAfter">;
  readonly publicKey: KeyObject;
  readonly extensions: readonly Buffer[];
}

/** The certificate, PEM. Source: RFC 5280 section 4.1. */
function signed(key: KeyObject, { issuer, subject, request, publicKey, extensions }: Content): string {
  const algorithm = der.sequence(der.objectIdentifier(ids.ecdsaWithSha256));
  const content = der.sequence(
    der.context(0, der.integer(Buffer.of(2))),
    der.integer(randomSerial()),
    algorithm,
    issuer,
    der.sequence(der.time(request.notBefore), der.time(request.notAfter)),
    subject,
    publicKey.export({ type: "spki", format: "der" }),
    der.context(3, der.sequence(...extensions)),
  );
  const certificate = der.sequence(content, algorithm, der.bitString(sign("sha256", content, key)));
  const lines = certificate.toString("base64").match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

function extension(id: string, content: Buffer, isCritical = false): Buffer {
  return der.sequence(der.objectIdentifier(id), ...(isCritical ? [der.boolean(true)] : []), der.octetString(content));
}

function basicConstraints(isAuthority: boolean): Buffer {
  return extension(ids.basicConstraints, isAuthority ? der.sequence(der.boolean(true)) : der.sequence(), true);
}

function keyUsage(bits: number): Buffer {
  const unusedBits = 31 - Math.clz32(bits & -bits);
  return extension(ids.keyUsage, der.bitString(Buffer.of(bits), unusedBits), true);
}

function subjectKeyIdentifier(publicKey: KeyObject): Buffer {
  return extension(ids.subjectKeyIdentifier, der.octetString(keyIdentifier(publicKey)));
}

function alternativeNames({ dnsNames = [], ipAddresses = [] }: CertificateRequest): Buffer[] {
  const names = [
    ...dnsNames.map((name) => der.context(2, Buffer.from(name), "primitive")),
    ...ipAddresses.map((address) => der.context(7, addressBytes(address), "primitive")),
  ];
  return names.length > 0 ? [extension(ids.subjectAlternativeName, der.sequence(...names))] : [];
}

function nameOf(commonName: string, organizations: readonly string[]): Buffer {
  const part = (id: string, text: string) => der.set(der.sequence(der.objectIdentifier(id), der.utf8String(text)));
  return der.sequence(
    ...organizations.map((organization) => part(ids.organization, organization)),
    part(ids.commonName, commonName),
  );
}

/** The subject of a certificate as it is encoded there: what an issuer's name has to be equal to. */
function subjectOf(certificate: X509Certificate): Buffer {
  const [content] = der.parts(certificate.raw);
  // version, serialNumber, signature, issuer, validity, subject
  return der.parts(content!)[5]!;
}

/** What identifies a key: a hash of its bits. Source: RFC 5280 section 4.2.1.2 (1). */
function keyIdentifier(publicKey: KeyObject): Buffer {
  const [, bits] = der.parts(publicKey.export({ type: "spki", format: "der" }));
  // Behind tag, length and the count of unused bits, which all have one byte for P-256.
  return createHash("sha1").update(bits!.subarray(3)).digest();
}

function addressBytes(address: string): Buffer {
  if (isIPv4(address)) return Buffer.from(address.split(".").map(Number));
  if (isIP(address) === 0) throw new Error(`${address} is not an IP address`);
  const [before, after] = address.split("::") as [string, string | undefined];
  const groups = (text: string) => (text === "" ? [] : text.split(":").flatMap(groupBytes));
  const [head, tail] = [groups(before), groups(after ?? "")];
  return Buffer.from([...head, ...new Array<number>(16 - head.length - tail.length).fill(0), ...tail]);
}

function groupBytes(group: string): number[] {
  if (isIPv4(group)) return group.split(".").map(Number);
  const number = Number.parseInt(group, 16);
  return [number >> 8, number & 0xff];
}

function generateKeys(): { readonly publicKey: KeyObject; readonly privateKey: KeyObject } {
  return generateKeyPairSync("ec", { namedCurve: "P-256" });
}

function exportKey(key: KeyObject): string {
  return key.export({ type: "pkcs8", format: "pem" }) as string;
}

/** A positive 127-bit number, as RFC 5280 wants serials to be unique and hard to guess. */
function randomSerial(): Buffer {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}
