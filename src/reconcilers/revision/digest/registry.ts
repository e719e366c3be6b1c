import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import { allowsPlainHttp, type ImageReference } from "../../../lib/image-reference.ts";
import { type Challenge, chooseChallenge, parseChallenges } from "./challenge.ts";
import type { RegistryCredentials } from "./credentials.ts";
import { describe, type HttpAnswer, type HttpRequest, type RegistryTransport } from "./transport.ts";

/** Every form in which a registry may keep what a tag points to. Leaving one out makes some registries say 404. */
const manifestTypes = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
  "application/vnd.docker.distribution.manifest.v2+json",
].join(", ");

/** Asks registries what content a tag points to. */
export interface RegistryClient {
  /**
   * The digest (`sha256:…`) of a tag's manifest. `credentials` is only asked when the registry wants to know who we
   * are. Rejects with an Error whose message names the request that failed and what the registry said.
   */
  digestOf(reference: ImageReference, credentials: CredentialsSource, signal: AbortSignal): Promise<string>;
}

export type CredentialsSource = () => Promise<RegistryCredentials | undefined>;

/** A client for registries that speak the OCI distribution API; private names may be served without TLS. */
export function createRegistryClient(transport: RegistryTransport): RegistryClient {
  /** Which scheme a registry of a private name answered to. */
  const schemes = new Map<string, "http" | "https">();

  const digestWith = async (
    scheme: "http" | "https",
    reference: ImageReference,
    credentials: CredentialsSource,
    signal: AbortSignal,
  ): Promise<string> => {
    const url = `${scheme}://${reference.registry}/v2/${reference.repository}/manifests/${reference.tag ?? reference.digest}`;
    let authorization: string | undefined;
    const ask = (method: "HEAD" | "GET") => {
      const headers = { accept: manifestTypes, ...(authorization && { authorization }) };
      return transport.send({ method, url, headers, signal });
    };
    let answer = await ask("HEAD");
    if (answer.status === 401) {
      const challenge = chooseChallenge(parseChallenges(answer.headers["www-authenticate"] ?? ""));
      authorization = await answerTo(challenge, reference, await credentials(), transport, signal);
      if (authorization) answer = await ask("HEAD");
    }
    if (answer.status !== 200 && answer.status !== 405) throw refusal({ method: "HEAD", url }, answer);
    const digest = answer.headers["docker-content-digest"];
    if (answer.status === 200 && typeof digest === "string" && digest.startsWith("sha256:")) return digest;
    // Some registries answer HEAD without a digest, or not at all: the digest is that of the manifest's bytes.
    const whole = await ask("GET");
    if (whole.status !== 200) throw refusal({ method: "GET", url }, whole);
    return `sha256:${createHash("sha256").update(whole.body).digest("hex")}`;
  };

  return {
    async digestOf(reference, credentials, signal) {
      const { registry } = reference;
      if (!allowsPlainHttp(registry)) return digestWith("https", reference, credentials, signal);
      const known = schemes.get(registry);
      const attempts = known === "http" ? (["http", "https"] as const) : (["https", "http"] as const);
      const failures: string[] = [];
      for (const scheme of attempts) {
        try {
          const digest = await digestWith(scheme, reference, credentials, signal);
          schemes.set(registry, scheme);
          return digest;
        } catch (error) {
          if (error instanceof RegistryRefusal || signal.aborted) throw error;
          failures.push((error as Error).message);
        }
      }
      throw new Error(failures.join("; "));
    },
  };
}

/** The registry or its token service answered, and said no. */
class RegistryRefusal extends Error {}

/** The Authorization header that satisfies a challenge; undefined where there is nothing to show. */
async function answerTo(
  challenge: Challenge | undefined,
  reference: ImageReference,
  credentials: RegistryCredentials | undefined,
  transport: RegistryTransport,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (challenge?.scheme === "basic") return basic(credentials);
  if (challenge?.scheme !== "bearer") {
    throw new RegistryRefusal(`unrecognized challenge: ${challenge?.scheme ?? "none"} (from ${reference.registry})`);
  }
  const { realm, service, scope = `repository:${reference.repository}:pull` } = challenge.parameters;
  if (!realm) throw new RegistryRefusal(`malformed www-authenticate, missing realm (from ${reference.registry})`);
  if (credentials?.registryToken) return `Bearer ${credentials.registryToken}`;
  const token = credentials?.identityToken
    ? await refreshToken(realm, service, scope, credentials.identityToken, transport, signal)
    : undefined;
  return `Bearer ${token ?? (await fetchToken(realm, service, scope, credentials, transport, signal))}`;
}

/** The token service's plain flow: GET with the password, if there is one. */
async function fetchToken(
  realm: string,
  service: string | undefined,
  scope: string,
  credentials: RegistryCredentials | undefined,
  transport: RegistryTransport,
  signal: AbortSignal,
): Promise<string> {
  const url = tokenService(realm);
  url.searchParams.set("scope", scope);
  if (service) url.searchParams.set("service", service);
  const authorization = basic(credentials);
  const request: HttpRequest = {
    method: "GET",
    url: url.href,
    headers: { ...(authorization && { authorization }) },
    signal,
  };
  const answer = await transport.send(request);
  if (answer.status !== 200) throw refusal(request, answer);
  return tokenIn(request, answer);
}

/** The OAuth2 flow: a refresh token is exchanged. Undefined where the token service does not know that flow. */
async function refreshToken(
  realm: string,
  service: string | undefined,
  scope: string,
  identityToken: string,
  transport: RegistryTransport,
  signal: AbortSignal,
): Promise<string | undefined> {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: identityToken,
    client_id: "hakn",
    scope,
    ...(service && { service }),
  });
  const request: HttpRequest = {
    method: "POST",
    url: tokenService(realm).href,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
    signal,
  };
  const answer = await transport.send(request);
  if (answer.status === 404 || answer.status === 405) return undefined;
  if (answer.status !== 200) throw refusal(request, answer);
  return tokenIn(request, answer);
}

function tokenService(realm: string): URL {
  try {
    return new URL(realm);
  } catch (cause) {
    throw new RegistryRefusal(`malformed www-authenticate, realm ${JSON.stringify(realm)} is no URL`, { cause });
  }
}

function basic(credentials: RegistryCredentials | undefined): string | undefined {
  if (credentials?.username === undefined && credentials?.password === undefined) return undefined;
  const pair = `${credentials.username ?? ""}:${credentials.password ?? ""}`;
  return `Basic ${Buffer.from(pair, "utf8").toString("base64")}`;
}

function tokenIn(request: HttpRequest, answer: HttpAnswer): string {
  const parsed = parseJson(answer.body);
  const token = parsed?.access_token || parsed?.token;
  if (typeof token !== "string" || token === "")
    throw new RegistryRefusal(`${describe(request)}: no token in the answer`);
  return token;
}

/** Source of the wording: go-containerregistry pkg/v1/remote/transport Error. */
function refusal(request: Pick<HttpRequest, "method" | "url">, answer: HttpAnswer): RegistryRefusal {
  const body = answer.body.toString("utf8").trim();
  const errors = parseJson(answer.body)?.errors;
  const status = `unexpected status code ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`.trimEnd();
  if (Array.isArray(errors) && errors.length > 0) {
    const said = errors.map(
      (error: { code?: string; message?: string }) => `${error.code ?? ""}: ${error.message ?? ""}`,
    );
    const text = said.length === 1 ? said[0] : `multiple errors returned: ${said.join("; ")}`;
    return new RegistryRefusal(`${describe(request)}: ${text}`);
  }
  if (request.method === "HEAD") {
    return new RegistryRefusal(`${describe(request)}: ${status} (HEAD responses have no body, use GET for details)`);
  }
  return new RegistryRefusal(`${describe(request)}: ${status}${body ? `: ${body.slice(0, 512)}` : ""}`);
}

function parseJson(body: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
