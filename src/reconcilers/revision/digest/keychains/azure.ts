import { askForJson, form, parseFields } from "./answers.ts";
import { firstOf, hostOf, type Keychain, type Surroundings } from "./keychain.ts";
import { createLeases, type Lease } from "./leases.ts";
import { createProbe } from "./probe.ts";

/** Where a cloud of Azure's hands out tokens, and for what: its resource manager. */
interface AzureCloud {
  readonly authority: string;
  readonly resource: string;
}

const clouds: Readonly<Record<string, AzureCloud>> = {
  io: { authority: "https://login.microsoftonline.com", resource: "https://management.azure.com" },
  cn: { authority: "https://login.chinacloudapi.cn", resource: "https://management.chinacloudapi.cn" },
  de: { authority: "https://login.microsoftonline.de", resource: "https://management.microsoftazure.de" },
  us: { authority: "https://login.microsoftonline.us", resource: "https://management.usgovcloudapi.net" },
};

/** The name under which a registry takes a refresh token for a password. */
const nobody = "00000000-0000-0000-0000-000000000000";

type Source = (cloud: AzureCloud, signal: AbortSignal) => Promise<Lease<string> | undefined>;

/**
 * Azure's registries: a token of who we are (a client's secret, a workload identity, a managed identity; in this order) is
 * exchanged at the registry for a refresh token.
 * Source: docker-credential-acr-env.
 */
export function createAzureKeychain(surroundings: Surroundings): Keychain {
  const sources = [clientSecret, workloadIdentity, managedIdentity].map((make) => make(surroundings));
  const tokens = createLeases<string>(surroundings.clock);
  const refreshTokens = createLeases<string>(surroundings.clock);

  const identityToken = (cloud: AzureCloud, signal: AbortSignal) =>
    tokens.get(cloud.resource, signal, (flight) =>
      firstOf(
        sources.map((source) => () => source(cloud, flight)),
        "no Azure credentials are set",
        flight,
      ),
    );

  const exchange = async (registry: string, cloud: AzureCloud, signal: AbortSignal): Promise<Lease<string>> => {
    const { env, send, clock } = surroundings;
    const grant = form({
      grant_type: "access_token",
      service: registry,
      tenant: env.AZURE_TENANT_ID || undefined,
      access_token: await identityToken(cloud, signal),
    });
    const answer = await askForJson(send, { url: `https://${registry}/oauth2/exchange`, ...grant, signal });
    const value = answer.text("refresh_token");
    return { value, expiresAtMs: expiryOf(value) ?? clock.now() + 60_000 };
  };

  return {
    async credentialsFor({ registry }, signal) {
      const cloud = cloudOf(hostOf(registry));
      if (!cloud) return [];
      const token = await refreshTokens.get(registry, signal, (flight) => exchange(registry, cloud, flight));
      return [{ username: nobody, password: token, identityToken: token }];
    },
  };
}

/** Anchored at both ends, other than upstream's pattern: nobody else is to be sent our token. */
function cloudOf(host: string): AzureCloud | undefined {
  const domain = /^[a-z0-9.-]+\.azurecr\.(io|cn|de|us)$/.exec(host)?.[1];
  return domain === undefined ? undefined : clouds[domain];
}

function clientSecret(surroundings: Surroundings): Source {
  return async (cloud, signal) => {
    const secret = surroundings.env.AZURE_CLIENT_SECRET;
    return secret ? clientToken(surroundings, cloud, { client_secret: secret }, signal) : undefined;
  };
}

function workloadIdentity(surroundings: Surroundings): Source {
  const { env, readFile } = surroundings;
  return async (cloud, signal) => {
    const file = env.AZURE_FEDERATED_TOKEN_FILE;
    const assertion = env.AZURE_FEDERATED_TOKEN || (file && (await readFile(file)).trim());
    if (!assertion) return undefined;
    const proof = {
      client_assertion_type: "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
      client_assertion: assertion,
    };
    return clientToken(surroundings, cloud, proof, signal);
  };
}

/** The token of an application that proves who it is. */
async function clientToken(
  { env, send, clock }: Surroundings,
  { authority, resource }: AzureCloud,
  proof: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Lease<string>> {
  const { AZURE_TENANT_ID: tenant, AZURE_CLIENT_ID: client } = env;
  if (!tenant || !client)
    throw new Error("AZURE_TENANT_ID and AZURE_CLIENT_ID are needed with AZURE_CLIENT_SECRET or a federated token");
  const authorityHost = (env.AZURE_AUTHORITY_HOST || authority).replace(/\/+$/, "");
  const url = `${authorityHost}/${tenant}/oauth2/v2.0/token`;
  const grant = form({ grant_type: "client_credentials", client_id: client, scope: `${resource}/.default`, ...proof });
  const answer = await askForJson(send, { url, ...grant, signal });
  return { value: answer.text("access_token"), expiresAtMs: clock.now() + answer.seconds("expires_in") * 1000 };
}

/** The identity of the machine, or the one of its identities that AZURE_CLIENT_ID names. */
function managedIdentity({ env, send, clock }: Surroundings): Source {
  const server = "http://169.254.169.254/metadata/identity/oauth2/token?api-version=2018-02-01";
  // Without the header it refuses at once, which shows that it is there; a token may take longer.
  const isThere = createProbe(clock, "Azure's metadata server at 169.254.169.254", (signal) =>
    send({ method: "GET", url: server, direct: true, signal }),
  );
  return async (cloud, signal) => {
    await isThere(signal);
    const client = env.AZURE_CLIENT_ID ? `&client_id=${encodeURIComponent(env.AZURE_CLIENT_ID)}` : "";
    const url = `${server}&resource=${encodeURIComponent(`${cloud.resource}/`)}${client}`;
    const answer = await askForJson(send, { url, headers: { metadata: "true" }, direct: true, signal });
    return { value: answer.text("access_token"), expiresAtMs: clock.now() + answer.seconds("expires_in") * 1000 };
  };
}

/** The moment that a JWT says it ends at. */
function expiryOf(token: string): number | undefined {
  try {
    return parseFields("the token", Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")).time("exp");
  } catch {
    return undefined;
  }
}
