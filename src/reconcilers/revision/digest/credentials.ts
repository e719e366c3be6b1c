/** What a registry is shown: a name and password, a token for its token service, or nothing. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token to exchange at the registry's token service (OAuth2). */
  readonly identityToken?: string;
  /** A bearer token to use as it is. */
  readonly registryToken?: string;
}

/** Docker configuration: credentials by registry or by registry and repository prefix, `*` allowed in host names. */
export type Keyring = ReadonlyMap<string, RegistryCredentials>;

export const emptyKeyring: Keyring = new Map();

interface DockerAuth {
  username?: unknown;
  password?: unknown;
  auth?: unknown;
  identitytoken?: unknown;
  registrytoken?: unknown;
}

/**
 * Reads the credentials in a pull secret's data (base64 values): type `kubernetes.io/dockerconfigjson` or the older
 * `kubernetes.io/dockercfg`. Other secrets and other keys hold none. Throws an Error naming the key that is no JSON.
 */
export function keyringOfSecret(data: Readonly<Record<string, string>> | undefined): Keyring {
  const keyring = new Map<string, RegistryCredentials>();
  for (const [key, nested] of [
    [".dockerconfigjson", true],
    [".dockercfg", false],
  ] as const) {
    const encoded = data?.[key];
    if (encoded === undefined) continue;
    for (const [location, auth] of Object.entries(parseAuths(key, encoded, nested))) {
      keyring.set(normalLocation(location), credentialsOf(auth));
    }
  }
  return keyring;
}

/** Several keyrings as one; where two speak of the same place, the earlier one wins. */
export function joinKeyrings(keyrings: readonly Keyring[]): Keyring {
  const joined = new Map<string, RegistryCredentials>();
  for (const keyring of keyrings) {
    for (const [location, credentials] of keyring) if (!joined.has(location)) joined.set(location, credentials);
  }
  return joined;
}

/**
 * The credentials for an image's repository: the most specific entry that covers it (longest path first), as the
 * kubelet's keyring chooses.
 */
export function credentialsFor(
  keyring: Keyring,
  registry: string,
  repository: string,
): RegistryCredentials | undefined {
  let best: { location: string; credentials: RegistryCredentials } | undefined;
  for (const [location, credentials] of keyring) {
    if (!covers(location, registry, repository)) continue;
    if (!best || location.length > best.location.length) best = { location, credentials };
  }
  return best?.credentials;
}

function parseAuths(key: string, encoded: string, nested: boolean): Record<string, DockerAuth> {
  const text = Buffer.from(encoded, "base64").toString("utf8");
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch (cause) {
    throw new Error(`pull secret key ${key} is not JSON`, { cause });
  }
  const auths = nested && isRecord(parsed) ? parsed.auths : parsed;
  if (!isRecord(auths)) return {};
  return Object.fromEntries(Object.entries(auths).filter((entry): entry is [string, DockerAuth] => isRecord(entry[1])));
}

function credentialsOf(auth: DockerAuth): RegistryCredentials {
  const decoded = text(auth.auth) && Buffer.from(text(auth.auth)!, "base64").toString("utf8");
  const colon = decoded ? decoded.indexOf(":") : -1;
  const username = text(auth.username) ?? (colon >= 0 ? decoded!.slice(0, colon) : undefined);
  const password = text(auth.password) ?? (colon >= 0 ? decoded!.slice(colon + 1).replace(/\0+$/, "") : undefined);
  const identityToken = text(auth.identitytoken);
  const registryToken = text(auth.registrytoken);
  return {
    ...(username !== undefined && { username }),
    ...(password !== undefined && { password }),
    ...(identityToken !== undefined && { identityToken }),
    ...(registryToken !== undefined && { registryToken }),
  };
}

/** "https://index.docker.io/v1/" and "docker.io" both mean Docker Hub. */
function normalLocation(location: string): string {
  const bare = location.replace(/^https?:\/\//, "").replace(/\/+$/, "");
  const slash = bare.indexOf("/");
  const host = slash < 0 ? bare : bare.slice(0, slash);
  const path = (slash < 0 ? "" : bare.slice(slash)).replace(/^\/v[12](?=\/|$)/, "");
  return (host === "docker.io" || host === "registry-1.docker.io" ? "index.docker.io" : host) + path;
}

function covers(location: string, registry: string, repository: string): boolean {
  const slash = location.indexOf("/");
  const host = slash < 0 ? location : location.slice(0, slash);
  const path = slash < 0 ? "" : location.slice(slash + 1);
  return hostMatches(host, registry) && (path === "" || repository === path || repository.startsWith(`${path}/`));
}

/** `*` stands for one or a part of one label of the host name; ports must be equal. */
function hostMatches(pattern: string, registry: string): boolean {
  const [patternHost = "", patternPort = ""] = splitPort(pattern);
  const [host = "", port = ""] = splitPort(registry);
  if (patternPort !== port) return false;
  const patternLabels = patternHost.split(".");
  const labels = host.split(".");
  return (
    patternLabels.length === labels.length &&
    patternLabels.every((label, index) => labelPattern(label).test(labels[index]!))
  );
}

function splitPort(host: string): [string, string] {
  const match = /^(.*?)(?::(\d+))?$/.exec(host)!;
  return [match[1]!, match[2] ?? ""];
}

function labelPattern(label: string): RegExp {
  return new RegExp(`^${label.replace(/[\\^$+?.()|[\]{}]/g, "\\$&").replace(/\*/g, "[^.]*")}$`);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
