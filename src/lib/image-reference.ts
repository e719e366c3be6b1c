/** What an image name says: which registry holds it, under which repository, and which version is meant. */
export interface ImageReference {
  /** Host and port, such as `ghcr.io` or `index.docker.io`. */
  readonly registry: string;
  readonly repository: string;
  /** Absent where a digest is given. */
  readonly tag?: string;
  /** `sha256:…`, where the name already pins the content. */
  readonly digest?: string;
}

const dockerHub = "index.docker.io";
const repositoryCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-./";
const tagCharacters = "abcdefghijklmnopqrstuvwxyz0123456789_-.ABCDEFGHIJKLMNOPQRSTUVWXYZ";

/**
 * Parses an image name the way upstream's resolver does: registry `index.docker.io` and tag `latest` where they are
 * left out, `library/` before one-word repositories of Docker Hub. Throws an Error that says which part is wrong.
 * Source: go-containerregistry pkg/name, weak validation.
 */
export function parseImageReference(image: string): ImageReference {
  const pinned = parsePinned(image);
  if (pinned) return pinned;
  const { base, tag } = splitTag(image);
  if (tag !== "") check("tag", tag, tagCharacters, 1, 128);
  return { ...parseRepository(base), tag: tag === "" ? "latest" : tag };
}

/** Whether a text names an image: `[registry/]repository[:tag][@sha256:digest]`. */
export function isImageReference(text: string): boolean {
  try {
    parseImageReference(text);
    return true;
  } catch {
    return false;
  }
}

/** The name that pins `reference` to a digest: `registry/repository@sha256:…`. */
export function pinnedName(reference: Pick<ImageReference, "registry" | "repository">, digest: string): string {
  return `${reference.registry}/${reference.repository}@${digest}`;
}

/**
 * Whether a registry may be spoken to without TLS: names that cannot leave the machine or the private network.
 * Source: go-containerregistry name.Registry.Scheme.
 */
export function allowsPlainHttp(registry: string): boolean {
  return (
    registry.startsWith("localhost:") ||
    /\.local(?:host)?(?::\d{1,5})?$/.test(registry) ||
    registry.includes("::1") ||
    /^127\.\d+\.\d+\.\d+(?::|$)/.test(registry) ||
    /^10\.\d+\.\d+\.\d+(?::|$)/.test(registry) ||
    /^192\.168\.\d+\.\d+(?::|$)/.test(registry) ||
    /^172\.(?:1[6-9]|2\d|3[01])\.\d+\.\d+(?::|$)/.test(registry)
  );
}

function parsePinned(image: string): ImageReference | undefined {
  const parts = image.split("@");
  if (parts.length !== 2 || !/^sha256:[0-9a-f]{64}$/.test(parts[1]!)) return undefined;
  try {
    const { base, tag } = splitTag(parts[0]!);
    if (tag !== "") check("tag", tag, tagCharacters, 1, 128);
    return { ...parseRepository(base), digest: parts[1]! };
  } catch {
    return undefined;
  }
}

/** A colon starts the tag only after the last slash; before it, it starts a port. */
function splitTag(name: string): { base: string; tag: string } {
  const colon = name.lastIndexOf(":");
  if (colon < 0 || name.indexOf("/", colon) >= 0) return { base: name, tag: "" };
  return { base: name.slice(0, colon), tag: name.slice(colon + 1) };
}

function parseRepository(name: string): { registry: string; repository: string } {
  if (name === "") throw new Error("a repository name must be specified");
  const slash = name.indexOf("/");
  const first = slash < 0 ? "" : name.slice(0, slash);
  const hasRegistry = /[.:]/.test(first);
  const repository = hasRegistry ? name.slice(slash + 1) : name;
  check("repository", repository, repositoryCharacters, 2, 255);
  const registry = registryOf(hasRegistry ? first : "");
  const implicit = registry === dockerHub && !repository.includes("/");
  return { registry, repository: implicit ? `library/${repository}` : repository };
}

function registryOf(name: string): string {
  if (name === "" || name === "docker.io") return dockerHub;
  if (!/^[\w.~!$&'()*+,;=-]*(?::\d*)?$|^\[[0-9a-fA-F:.]+\](?::\d*)?$/.test(name)) {
    throw new Error(`registries must be valid RFC 3986 URI authorities: ${name}`);
  }
  return name;
}

function check(part: string, value: string, allowed: string, least: number, most: number): void {
  const length = [...value].length;
  if (length < least || length > most) {
    throw new Error(`${part} must be between ${least} and ${most} characters in length: ${value}`);
  }
  for (const character of value) {
    if (!allowed.includes(character)) {
      throw new Error(`${part} can only contain the characters \`${allowed}\`: ${value}`);
    }
  }
}
