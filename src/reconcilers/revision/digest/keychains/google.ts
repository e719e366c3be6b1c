import { createSign } from "node:crypto";
import type { Clock } from "../../../../lib/clock.ts";
import { messageOf } from "../../../../lib/error-message.ts";
import { askForJson, type Fields, form, parseFields } from "./answers.ts";
import { firstOf, hostOf, type Keychain, type Surroundings } from "./keychain.ts";
import { createLeases, type Lease } from "./leases.ts";
import { createProbe } from "./probe.ts";

const scope = "https://www.googleapis.com/auth/cloud-platform";
const tokenService = "https://oauth2.googleapis.com/token";

/**
 * Google's registries: an access token from the Application Default Credentials, which are a file that the environment
 * names, the file that `gcloud auth application-default login` writes, or the metadata server of machines and of workload
 * identity. The program gcloud is not run.
 * Source: go-containerregistry pkg/v1/google keychain.go and auth.go, golang.org/x/oauth2/google.
 */
export function createGoogleKeychain(surroundings: Surroundings): Keychain {
  const leases = createLeases<string>(surroundings.clock);
  const metadata = metadataToken(surroundings);
  const fetchToken = (signal: AbortSignal) =>
    firstOf(
      [() => tokenOfNamedFile(surroundings, signal), () => tokenOfUser(surroundings, signal), () => metadata(signal)],
      "no Google credentials are set",
      signal,
    );
  return {
    async credentialsFor({ registry }, signal) {
      if (!isGoogle(hostOf(registry))) return [];
      return [{ username: "_token", password: await leases.get("", signal, fetchToken) }];
    },
  };
}

function isGoogle(host: string): boolean {
  return host === "gcr.io" || [".gcr.io", ".pkg.dev", ".google.com"].some((domain) => host.endsWith(domain));
}

async function tokenOfNamedFile(surroundings: Surroundings, signal: AbortSignal): Promise<Lease<string> | undefined> {
  const path = surroundings.env.GOOGLE_APPLICATION_CREDENTIALS;
  if (!path) return undefined;
  try {
    return await tokenOf(await surroundings.readFile(path), surroundings, signal);
  } catch (cause) {
    throw new Error(`GOOGLE_APPLICATION_CREDENTIALS: ${messageOf(cause)}`, { cause });
  }
}

async function tokenOfUser(surroundings: Surroundings, signal: AbortSignal): Promise<Lease<string> | undefined> {
  const { env, readFile } = surroundings;
  if (!env.HOME) return undefined;
  const text = await readFile(`${env.HOME}/.config/gcloud/application_default_credentials.json`).catch(() => undefined);
  return text === undefined ? undefined : tokenOf(text, surroundings, signal);
}

/** A token for the credentials in a file: a service account's key, a user's, or those of workload identity federation. */
async function tokenOf(text: string, surroundings: Surroundings, signal: AbortSignal): Promise<Lease<string>> {
  const { send, clock } = surroundings;
  const file = parseFields("the file", text);
  const { type, token_uri: uri } = file.values;
  switch (type) {
    case "service_account": {
      const url = typeof uri === "string" && uri ? uri : tokenService;
      const assertion = signedAssertion(file, url, clock);
      const grant = form({ grant_type: "urn:ietf:params:oauth:grant-type:jwt-bearer", assertion });
      return tokenIn(await askForJson(send, { url, ...grant, signal }), clock);
    }
    case "authorized_user": {
      const grant = form({
        grant_type: "refresh_token",
        client_id: file.text("client_id"),
        client_secret: file.text("client_secret"),
        refresh_token: file.text("refresh_token"),
      });
      return tokenIn(await askForJson(send, { url: tokenService, ...grant, signal }), clock);
    }
    case "external_account":
      return federatedToken(file, surroundings, signal);
    default:
      throw new Error(`credentials of the type ${JSON.stringify(type)} are not supported`);
  }
}

/** A JWT in which a service account asks for a token. */
function signedAssertion(file: Fields, audience: string, clock: Pick<Clock, "now">): string {
  // Somewhat in the past, for the other's clock may be behind.
  const issuedAt = Math.floor(clock.now() / 1000) - 10;
  const header = { alg: "RS256", typ: "JWT", kid: file.values.private_key_id };
  const claims = { iss: file.text("client_email"), scope, aud: audience, iat: issuedAt, exp: issuedAt + 3600 };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const content = `${encode(header)}.${encode(claims)}`;
  return `${content}.${createSign("RSA-SHA256").update(content).sign(file.text("private_key"), "base64url")}`;
}

/** Workload identity federation: a token of another issuer, in a file, is exchanged; maybe for a service account's. */
async function federatedToken(
  file: Fields,
  { readFile, send, clock }: Surroundings,
  signal: AbortSignal,
): Promise<Lease<string>> {
  const source = (file.values.credential_source ?? {}) as {
    file?: unknown;
    format?: { subject_token_field_name?: unknown };
  };
  if (typeof source.file !== "string") throw new Error("of external accounts, only those with a file are supported");
  const subject = await readFile(source.file);
  const field = source.format?.subject_token_field_name;
  const exchange = form({
    grant_type: "urn:ietf:params:oauth:grant-type:token-exchange",
    audience: file.text("audience"),
    scope,
    requested_token_type: "urn:ietf:params:oauth:token-type:access_token",
    subject_token_type: file.text("subject_token_type"),
    subject_token: typeof field === "string" ? parseFields(source.file, subject).text(field) : subject.trim(),
  });
  const token = tokenIn(await askForJson(send, { url: file.text("token_url"), ...exchange, signal }), clock);
  const url = file.values.service_account_impersonation_url;
  if (typeof url !== "string" || url === "") return token;
  const answer = await askForJson(send, {
    method: "POST",
    url,
    headers: { "content-type": "application/json", authorization: `Bearer ${token.value}` },
    body: JSON.stringify({ scope: [scope], lifetime: "3600s" }),
    signal,
  });
  return { value: answer.text("accessToken"), expiresAtMs: answer.time("expireTime") };
}

/** The token of the service account that the machine, or the pod by workload identity, runs as. */
function metadataToken({ env, send, clock }: Surroundings): (signal: AbortSignal) => Promise<Lease<string>> {
  const address = "169.254.169.254";
  const server = `http://${env.GCE_METADATA_HOST || address}`;
  const headers = { "metadata-flavor": "Google" };
  // Whether it is there is known at once, the token may take longer.
  const isThere = createProbe(clock, `Google's metadata server at ${address}`, async (signal) => {
    const answer = await send({ method: "GET", url: `${server}/`, headers, direct: true, signal });
    if (answer.headers["metadata-flavor"] !== "Google") throw new Error("what answers is not Google's");
  });
  return async (signal) => {
    if (!env.GCE_METADATA_HOST) await isThere(signal);
    const url = `${server}/computeMetadata/v1/instance/service-accounts/default/token?scopes=${encodeURIComponent(scope)}`;
    return tokenIn(await askForJson(send, { url, headers, direct: true, signal }), clock);
  };
}

function tokenIn(answer: Fields, clock: Pick<Clock, "now">): Lease<string> {
  return { value: answer.text("access_token"), expiresAtMs: clock.now() + answer.seconds("expires_in") * 1000 };
}
