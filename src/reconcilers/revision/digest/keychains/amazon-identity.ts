import { askFor, askForJson, createFields, type Fields, form } from "./answers.ts";
import { firstOf, type Surroundings } from "./keychain.ts";
import { createLeases, type Lease } from "./leases.ts";
import { createProbe } from "./probe.ts";
import type { AmazonCredentials } from "./signature-v4.ts";

/** Who we are to Amazon. Rejects with what each source that is set up said. */
export type AmazonIdentity = (region: string, signal: AbortSignal) => Promise<AmazonCredentials>;

type Source = (region: string, signal: AbortSignal) => Promise<Lease<AmazonCredentials> | undefined>;

/**
 * The sources of Amazon's SDKs, in their order: keys in the environment, a web identity (IAM roles for service accounts),
 * container credentials (EKS pod identity, ECS), the instance's role. `region` is whose token service is asked where the
 * environment names none. Profiles in files are not read.
 * Source: aws-sdk-go-v2 config, resolve_credentials.go.
 */
export function createAmazonIdentity(surroundings: Surroundings): AmazonIdentity {
  const sources = [keys, webIdentity, containerCredentials, instanceRole].map((make) => make(surroundings));
  const leases = createLeases<AmazonCredentials>(surroundings.clock);
  return (region, signal) =>
    leases.get("", signal, (flight) =>
      firstOf(
        sources.map((source) => () => source(region, flight)),
        "no AWS credentials are set",
        flight,
      ),
    );
}

function keys({ env }: Surroundings): Source {
  return async () => {
    const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey, AWS_SESSION_TOKEN } = env;
    if (!accessKeyId || !secretAccessKey) return undefined;
    const session = AWS_SESSION_TOKEN && { sessionToken: AWS_SESSION_TOKEN };
    return { value: { accessKeyId, secretAccessKey, ...session }, expiresAtMs: Number.POSITIVE_INFINITY };
  };
}

function webIdentity({ env, readFile, send }: Surroundings): Source {
  return async (registryRegion, signal) => {
    const { AWS_ROLE_ARN: role, AWS_WEB_IDENTITY_TOKEN_FILE: file } = env;
    if (!role || !file) return undefined;
    const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || registryRegion;
    const request = form({
      Action: "AssumeRoleWithWebIdentity",
      Version: "2011-06-15",
      RoleArn: role,
      RoleSessionName: env.AWS_ROLE_SESSION_NAME || "hakn",
      WebIdentityToken: (await readFile(file)).trim(),
    });
    const url = `https://sts.${region}.${amazonDomain(region)}/`;
    const xml = (await askFor(send, { url, ...request, signal })).body.toString("utf8");
    const field = (name: string) => new RegExp(`<${name}>([^<]+)</${name}>`).exec(xml)?.[1];
    const values = {
      AccessKeyId: field("AccessKeyId"),
      SecretAccessKey: field("SecretAccessKey"),
      Token: field("SessionToken"),
      Expiration: field("Expiration"),
    };
    return leaseIn(createFields(`POST ${url}`, values));
  };
}

function containerCredentials({ env, readFile, send }: Surroundings): Source {
  return async (_region, signal) => {
    const { AWS_CONTAINER_CREDENTIALS_RELATIVE_URI: path, AWS_CONTAINER_CREDENTIALS_FULL_URI: full } = env;
    const url = full || (path && `http://169.254.170.2${path}`);
    if (!url) return undefined;
    const { protocol, hostname } = new URL(url);
    if (protocol !== "https:" && !plainContainerHosts.test(hostname)) {
      throw new Error(`AWS_CONTAINER_CREDENTIALS_FULL_URI: ${hostname} may not be asked without TLS`);
    }
    const file = env.AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE;
    const authorization = file ? (await readFile(file)).trim() : env.AWS_CONTAINER_AUTHORIZATION_TOKEN;
    const headers = { ...(authorization && { authorization }) };
    return leaseIn(await askForJson(send, { url, headers, direct: true, signal }));
  };
}

/** This machine, and the addresses at which ECS and EKS hand credentials out. */
const plainContainerHosts = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\]|169\.254\.170\.(2|23)|\[fd00:ec2::23\])$/;

function instanceRole({ env, send, clock }: Surroundings): Source {
  const byMode =
    env.AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE?.toLowerCase() === "ipv6" ? "[fd00:ec2::254]" : "169.254.169.254";
  const endpoint = (env.AWS_EC2_METADATA_SERVICE_ENDPOINT || `http://${byMode}`).replace(/\/+$/, "");
  const session = createProbe(clock, `Amazon's metadata server at ${endpoint}`, async (signal) => {
    const request = { method: "PUT" as const, url: `${endpoint}/latest/api/token`, direct: true, signal };
    const answer = await askFor(send, { ...request, headers: { "x-aws-ec2-metadata-token-ttl-seconds": "21600" } });
    return answer.body.toString("utf8").trim();
  });
  return async (_region, signal) => {
    if (env.AWS_EC2_METADATA_DISABLED?.toLowerCase() === "true") return undefined;
    const headers = { "x-aws-ec2-metadata-token": await session(signal) };
    const url = `${endpoint}/latest/meta-data/iam/security-credentials/`;
    const [role] = (await askFor(send, { url, headers, direct: true, signal })).body
      .toString("utf8")
      .trim()
      .split("\n");
    if (!role) throw new Error(`GET ${url}: the machine has no role`);
    return leaseIn(await askForJson(send, { url: `${url}${role}`, headers, direct: true, signal }));
  };
}

/** Credentials in the form of the metadata server and of container credentials. */
function leaseIn(answer: Fields): Lease<AmazonCredentials> {
  const { Token } = answer.values;
  return {
    value: {
      accessKeyId: answer.text("AccessKeyId"),
      secretAccessKey: answer.text("SecretAccessKey"),
      ...(typeof Token === "string" && Token && { sessionToken: Token }),
    },
    expiresAtMs: answer.time("Expiration"),
  };
}

/** The domain of a region's services. */
export function amazonDomain(region: string): string {
  const special = [
    ["cn-", "amazonaws.com.cn"],
    ["eusc-", "amazonaws.eu"],
    ["us-isob-", "sc2s.sgov.gov"],
    ["us-iso-", "c2s.ic.gov"],
    ["eu-isoe-", "cloud.adc-e.uk"],
    ["us-isof-", "csp.hci.ic.gov"],
  ] as const;
  return special.find(([prefix]) => region.startsWith(prefix))?.[1] ?? "amazonaws.com";
}
