import { hostMatches } from "./host-pattern.ts";

/** What a registry is shown: a name and password, a token for its token service, or nothing. */
export interface RegistryCredentials {
  readonly username?: string;
  readonly password?: string;
  /** A refresh token to exchange at the registry's token service (OAuth2). */
  readonly identityToken?: string;
  /** A bearer token to use as it is. */
  readonly registryToken?: string;
}

/**
 * What Docker configurations hold: credentials and the place that they are for, which is a registry or a registry and the
 * beginning of a repository; patterns are allowed in the host name. There may be several for one place.
 */
export type Keyring = readonly { readonly location: string; readonly credentials: RegistryCredentials }[];

export const emptyKeyring: Keyring = [];

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
  const read = (key: string, parse: (text: string) => Keyring): Keyring => {
    const encoded = data?.[key];
    if (encoded === undefined) return emptyKeyring;
    try {
      return parse(Buffer.from(encoded, "base64").toString("utf8"));
    } catch (cause) {
      throw new Error(`pull secret key ${key} is not JSON`, { cause });
    }
  };
  return [
    ...read(".dockerconfigjson", keyringOfDockerConfig),
    ...read(".dockercfg", (content) => keyringOfAuths(JSON.parse(content))),
  ];
}

/** Reads a Docker configuration file. Throws an Error where it is not JSON. */
export function keyringOfDockerConfig(content: string): Keyring {
  let parsed: unknown;
  try {
    parsed = JSON.parse(content);
  } catch (cause) {
    throw new Error("is not JSON", { cause });
  }
  return keyringOfAuths(isRecord(parsed) ? parsed.auths : undefined);
}

/**
 * All credentials for an image's repository, to be tried in this order: those of the most specific place first, and for
 * one place as they were listed. Source: kubelet, pkg/credentialprovider/keyring.go.
 */
export function credentialsFor(keyring: Keyring, registry: string, repository: string): readonly RegistryCredentials[] {
  const covering = keyring
    .filter(({ location }) => covers(location, registry, repository))
    .toSorted((a, b) => (a.location < b.location ? 1 : a.location > b.location ? -1 : 0));
  return [...new Map(covering.map(({ credentials }) => [JSON.stringify(credentials), credentials])).values()];
}

function keyringOfAuths(auths: unknown): Keyring {
  if (!isRecord(auths)) return emptyKeyring;
  return Object.entries(auths)
    .filter((entry): entry is [string, DockerAuth] => isRecord(entry[1]))
    .map(([location, auth]) => ({ location: normalLocation(location), credentials: credentialsOf(auth) }))
    .filter(({ credentials }) => Object.keys(credentials).length > 0);
}

/** The joint encoding goes before separate fields, as for the kubelet. */
function credentialsOf(auth: DockerAuth): RegistryCredentials {
  const decoded = Buffer.from(text(auth.auth) ?? "", "base64").toString("utf8");
  const colon = decoded.indexOf(":");
  const username = colon >= 0 ? decoded.slice(0, colon) : text(auth.username);
  const password = colon >= 0 ? decoded.slice(colon + 1).replace(/\0+$/, "") : text(auth.password);
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
  return hostMatches(host, registry) && repository.startsWith(path);
}

function text(value: unknown): string | undefined {
  return typeof value === "string" && value !== "" ? value : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
