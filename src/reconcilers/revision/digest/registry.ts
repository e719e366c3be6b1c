import { createHash } from "node:crypto";
import { STATUS_CODES } from "node:http";
import type { Clock } from "../../../lib/clock.ts";
import { allowsPlainHttp, type ImageReference } from "../../../lib/image-reference.ts";
import { chooseChallenge, parseChallenges } from "./challenge.ts";
import type { RegistryCredentials } from "./credentials.ts";
import { retryAfter, withRetries } from "./retry.ts";
import { describe, type HttpAnswer, type HttpRequest, isLinkLocal, type RegistryTransport } from "./transport.ts";

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
   * are, and only as far as needed: they are tried one after the other, until one is good enough. Rejects with an Error
   * whose message names the requests that failed and what the registry said; a RegistryRefusal, if it said no.
   */
  digestOf(reference: ImageReference, credentials: CredentialsSource, signal: AbortSignal): Promise<string>;
}

export type CredentialsSource = () => AsyncIterable<RegistryCredentials>;

type Scheme = "http" | "https";

/** A client for registries that speak the OCI distribution API; private names may be served without TLS. */
export function createRegistryClient(direct: RegistryTransport, clock: Clock): RegistryClient {
  const patient = withRetries(direct, clock);
  /** Which scheme a registry of a private name answered to. */
  const schemes = new Map<string, Scheme>();

  const digestWith = async (
    transport: RegistryTransport,
    scheme: Scheme,
    reference: ImageReference,
    credentials: CredentialsSource,
    signal: AbortSignal,
  ): Promise<string> => {
    const base = `${scheme}://${reference.registry}/v2/`;
    const url = `${base}${reference.repository}/manifests/${reference.tag ?? reference.digest}`;

    const ask = (method: "HEAD" | "GET", authorization?: string) => {
      const headers = { accept: manifestTypes, ...(authorization && { authorization }) };
      return transport.send({ method, url, headers, signal });
    };
    const digestIn = async (answer: HttpAnswer, authorization?: string): Promise<string> => {
      if (answer.status !== 200 && answer.status !== 405) throw refusal({ method: "HEAD", url }, answer);
      const digest = answer.headers["docker-content-digest"];
      if (answer.status === 200 && typeof digest === "string" && digest.startsWith("sha256:")) return digest;
      // Some registries answer HEAD without a digest, or not at all: the digest is that of the manifest's bytes.
      const whole = await ask("GET", authorization);
      if (whole.status !== 200) throw refusal({ method: "GET", url }, whole);
      return `sha256:${createHash("sha256").update(whole.body).digest("hex")}`;
    };

    const stranger = await ask("HEAD");
    if (![401, 403, 404].includes(stranger.status)) return digestIn(stranger);
    let challenge = stranger.status === 401 ? understood(stranger, scheme, reference) : undefined;
    const refusals: RegistryRefusal[] = [];
    for await (const shown of credentials()) {
      if (!challenge) {
        // Some registries do not tell a stranger of private repositories: they say who may know at their root.
        const root = await transport.send({ method: "GET", url: base, headers: {}, signal });
        if (root.status !== 401) break;
        challenge = understood(root, scheme, reference);
      }
      try {
        const authorization = await answerTo(challenge, shown, transport, signal);
        return await digestIn(await ask("HEAD", authorization), authorization);
      } catch (error) {
        if (!(error instanceof RegistryRefusal)) throw error;
        refusals.push(error);
      }
    }
    if (refusals.length > 0) throw allOf(refusals);
    if (stranger.status !== 401 || challenge?.scheme !== "bearer") throw refusal({ method: "HEAD", url }, stranger);
    const authorization = await answerTo(challenge, undefined, transport, signal);
    return digestIn(await ask("HEAD", authorization), authorization);
  };

  return {
    async digestOf(reference, credentials, signal) {
      const { registry } = reference;
      if (!allowsPlainHttp(registry)) return digestWith(patient, "https", reference, credentials, signal);
      const known = schemes.get(registry);
      const attempts = known === "http" ? (["http", "https"] as const) : (["https", "http"] as const);
      const failures: string[] = [];
      for (const scheme of attempts) {
        try {
          // Where the other scheme may be the right one, a connection that broke says so.
          const transport = scheme === known ? patient : direct;
          const digest = await digestWith(transport, scheme, reference, credentials, signal);
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
export class RegistryRefusal extends Error {
  /** The HTTP status of the answer. */
  readonly status: number;
  /** How long the registry wants to be left alone, if it said so. */
  readonly retryAfterMs: number | undefined;

  constructor(message: string, status: number, retryAfterMs?: number) {
    super(message);
    this.status = status;
    this.retryAfterMs = retryAfterMs;
  }
}

/** What was said to each of several credentials, where it is not the same. */
function allOf(refusals: readonly RegistryRefusal[]): RegistryRefusal {
  const last = refusals.at(-1)!;
  const messages = new Set(refusals.map(({ message }) => message));
  return new RegistryRefusal([...messages].join("; "), last.status, last.retryAfterMs);
}

/** A challenge that can be answered. */
type Understood =
  | { readonly scheme: "basic" }
  | { readonly scheme: "bearer"; readonly realm: URL; readonly service?: string; readonly scopes: readonly string[] };

function understood(answer: HttpAnswer, registryScheme: Scheme, { registry, repository }: ImageReference): Understood {
  const challenge = chooseChallenge(parseChallenges(answer.headers["www-authenticate"] ?? ""));
  if (challenge?.scheme === "basic") return { scheme: "basic" };
  const cannot = (why: string) => new RegistryRefusal(`${why} (from ${registry})`, answer.status);
  if (challenge?.scheme !== "bearer") throw cannot(`unrecognized challenge: ${challenge?.scheme ?? "none"}`);
  const { service, scope = `repository:${repository}:pull` } = challenge.parameters;
  if (!challenge.parameters.realm) throw cannot("malformed www-authenticate, missing realm");
  const realm = URL.parse(challenge.parameters.realm);
  const quoted = JSON.stringify(challenge.parameters.realm);
  if (!realm) throw cannot(`malformed www-authenticate, realm ${quoted} is no URL`);
  // Who names an image chooses its registry, and a registry chooses whom we ask in its name.
  const isPlain = realm.protocol === "http:" && registryScheme === "http";
  if (realm.protocol !== "https:" && !isPlain) throw cannot(`the realm ${quoted} is not asked: it is without TLS`);
  if (isLinkLocal(realm.hostname) && realm.host !== registry) {
    throw cannot(`the realm ${quoted} is not asked: the address is link-local`);
  }
  return { scheme: "bearer", realm, ...(service && { service }), scopes: scope.split(/\s+/).filter(Boolean) };
}

/** The Authorization header that satisfies a challenge; undefined where there is nothing to show. */
async function answerTo(
  challenge: Understood,
  credentials: RegistryCredentials | undefined,
  transport: RegistryTransport,
  signal: AbortSignal,
): Promise<string | undefined> {
  if (challenge.scheme === "basic") return basic(credentials);
  if (credentials?.registryToken) return `Bearer ${credentials.registryToken}`;
  const token = credentials?.identityToken
    ? await refreshToken(challenge, credentials.identityToken, transport, signal)
    : undefined;
  return `Bearer ${token ?? (await fetchToken(challenge, credentials, transport, signal))}`;
}

type Bearer = Extract<Understood, { scheme: "bearer" }>;

/** The token service's plain flow: GET with the password, if there is one. */
async function fetchToken(
  { realm, service, scopes }: Bearer,
  credentials: RegistryCredentials | undefined,
  transport: RegistryTransport,
  signal: AbortSignal,
): Promise<string> {
  const url = new URL(realm);
  url.searchParams.delete("scope");
  for (const scope of scopes) url.searchParams.append("scope", scope);
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
  { realm, service, scopes }: Bearer,
  identityToken: string,
  transport: RegistryTransport,
  signal: AbortSignal,
): Promise<string | undefined> {
  const form = new URLSearchParams({
    grant_type: "refresh_token",
    refresh_token: identityToken,
    client_id: "hakn",
    scope: scopes.join(" "),
    ...(service && { service }),
  });
  const request: HttpRequest = {
    method: "POST",
    url: realm.href,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: form.toString(),
    signal,
  };
  const answer = await transport.send(request);
  if (answer.status === 404 || answer.status === 405) return undefined;
  if (answer.status !== 200) throw refusal(request, answer);
  return tokenIn(request, answer);
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
    throw new RegistryRefusal(`${describe(request)}: no token in the answer`, answer.status);
  return token;
}

/** Source of the wording: go-containerregistry pkg/v1/remote/transport Error. */
function refusal(request: Pick<HttpRequest, "method" | "url">, answer: HttpAnswer): RegistryRefusal {
  const body = answer.body.toString("utf8").trim();
  const errors = parseJson(answer.body)?.errors;
  const status = `unexpected status code ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`.trimEnd();
  const refused = (text: string) =>
    new RegistryRefusal(`${describe(request)}: ${text}`, answer.status, retryAfter(answer));
  if (Array.isArray(errors) && errors.length > 0) {
    const said = errors.map(
      (error: { code?: string; message?: string }) => `${error.code ?? ""}: ${error.message ?? ""}`,
    );
    return refused(said.length === 1 ? said[0]! : `multiple errors returned: ${said.join("; ")}`);
  }
  if (request.method === "HEAD") return refused(`${status} (HEAD responses have no body, use GET for details)`);
  return refused(`${status}${body ? `: ${body.slice(0, 512)}` : ""}`);
}

function parseJson(body: Buffer): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(body.toString("utf8"));
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}
