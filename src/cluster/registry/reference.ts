/** The parts of an image reference. */
export interface ImageReference {
  /** "host[:port]"; empty where the reference names none. */
  readonly host: string;
  readonly repository: string;
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

const component = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*$/;
const digestPattern = /^sha256:[0-9a-f]{64}$/;
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/;

/** Splits `host:port/name:tag@digest`; undefined when it is not a reference. The tag is "latest" where nothing is told. */
export function parseImageReference(text: string): ImageReference | undefined {
  const [head = "", digest, ...rest] = text.split("@");
  if (rest.length > 0 || (digest !== undefined && !isDigest(digest))) return undefined;
  const slash = head.indexOf("/");
  const first = slash < 0 ? "" : head.slice(0, slash);
  const hasHost = /[.:]/.test(first) || first === "localhost";
  const path = hasHost ? head.slice(slash + 1) : head;
  const colon = path.lastIndexOf(":");
  const repository = colon < 0 ? path : path.slice(0, colon);
  const tag = colon < 0 ? undefined : path.slice(colon + 1);
  if (!isRepositoryName(repository) || (tag !== undefined && !isTag(tag))) return undefined;
  return { host: hasHost ? first : "", repository, tag: tag ?? (digest ? undefined : "latest"), digest };
}

export function isDigest(text: string): boolean {
  return digestPattern.test(text);
}

export function isTag(text: string): boolean {
  return tagPattern.test(text);
}

export function isRepositoryName(text: string): boolean {
  return text.length <= 255 && text.split("/").every((part) => component.test(part));
}
