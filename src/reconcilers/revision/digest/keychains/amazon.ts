import type { RegistryCredentials } from "../credentials.ts";
import { type AmazonIdentity, createAmazonIdentity } from "./amazon-identity.ts";
import { askForJson, createFields } from "./answers.ts";
import { hostOf, type Keychain, type Surroundings } from "./keychain.ts";
import { createLeases, type Lease } from "./leases.ts";
import { signV4 } from "./signature-v4.ts";

/** Which service hands out the credentials of a registry. */
interface AmazonRegistry {
  readonly service: "ecr" | "ecr-public";
  readonly endpoint: string;
  readonly region: string;
  readonly account?: string;
}

const privateHost =
  /^(\d{12})\.dkr[.-]ecr(-fips)?\.([a-z0-9][a-z0-9_-]*)\.(amazonaws\.(?:com|com\.cn|eu)|on\.aws|on\.amazonwebservices\.com\.cn|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)$/;
const publicHosts = ["public.ecr.aws", "ecr-public.aws.com"];

/**
 * Amazon's registries, private and public: the name and password that `GetAuthorizationToken` gives to who we are.
 * Source: amazon-ecr-credential-helper ecr-login/api.
 */
export function createAmazonKeychain(
  surroundings: Surroundings,
  identity: AmazonIdentity = createAmazonIdentity(surroundings),
): Keychain {
  const leases = createLeases<RegistryCredentials>(surroundings.clock);
  return {
    async credentialsFor({ registry }, signal) {
      const target = amazonRegistry(hostOf(registry));
      if (!target) return [];
      const key = `${target.endpoint} ${target.account ?? ""}`;
      return [await leases.get(key, signal, (flight) => authorizationToken(target, surroundings, identity, flight))];
    },
  };
}

/** What a host name says of a registry of Amazon; undefined for others. */
export function amazonRegistry(host: string): AmazonRegistry | undefined {
  if (publicHosts.includes(host)) {
    return { service: "ecr-public", endpoint: "https://api.ecr-public.us-east-1.amazonaws.com/", region: "us-east-1" };
  }
  const match = privateHost.exec(host);
  if (!match) return undefined;
  const [, account = "", fips = "", region = "", domain = ""] = match;
  // Registries with an address of IPv6 are on.aws, and their service is at api.aws.
  const endpoint = domain.startsWith("on.")
    ? `https://ecr${fips}.${region}.${domain.replace("on.", "api.")}/`
    : `https://${fips ? "ecr-fips" : "api.ecr"}.${region}.${domain}/`;
  return { service: "ecr", endpoint, region, account };
}

async function authorizationToken(
  { service, endpoint, region, account }: AmazonRegistry,
  { send, clock }: Surroundings,
  identity: AmazonIdentity,
  signal: AbortSignal,
): Promise<Lease<RegistryCredentials>> {
  const credentials = await identity(region, signal);
  const api = service === "ecr" ? "AmazonEC2ContainerRegistry_V20150921" : "SpencerFrontendService";
  const request = {
    method: "POST" as const,
    url: endpoint,
    headers: { "content-type": "application/x-amz-json-1.1", "x-amz-target": `${api}.GetAuthorizationToken` },
    body: JSON.stringify(account ? { registryIds: [account] } : {}),
  };
  const headers = signV4(request, { region, service }, credentials, clock.now());
  const answer = await askForJson(send, { ...request, headers, signal });
  const [first] = [answer.values.authorizationData].flat() as Record<string, unknown>[];
  const data = createFields(`POST ${endpoint}`, first ?? {});
  const pair = Buffer.from(data.text("authorizationToken"), "base64").toString("utf8");
  const colon = pair.indexOf(":");
  if (colon < 0) throw new Error(`POST ${endpoint}: authorizationToken is no name and password`);
  return {
    value: { username: pair.slice(0, colon), password: pair.slice(colon + 1) },
    expiresAtMs: data.time("expiresAt"),
  };
}
