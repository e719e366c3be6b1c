const repository = /^[a-z0-9_\-./]{2,255}$/;
const tag = /^[A-Za-z0-9_\-.]{1,128}$/;
const registry = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=]*)(?::\d*)?$/;

/** Whether a text names an image: `[registry/]repository[:tag][@sha256:digest]`. Source: go-containerregistry v0.13.0, weak validation. */
export function isImageReference(text: string): boolean {
  return isTagged(text) || isDigested(text);
}

function isTagged(text: string): boolean {
  const colon = text.lastIndexOf(":");
  const last = text.slice(colon + 1);
  if (colon < 0 || last.includes("/")) return isRepository(text);
  return (last === "" || tag.test(last)) && isRepository(text.slice(0, colon));
}

function isDigested(text: string): boolean {
  const [base, digest, ...more] = text.split("@");
  if (digest === undefined || more.length > 0 || !/^sha256:[a-f0-9]{64}$/.test(digest)) return false;
  return isTagged(base!) || isRepository(base!);
}

function isRepository(name: string): boolean {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(0, slash));
  if (slash >= 0 && /[.:]/.test(first)) return repository.test(name.slice(slash + 1)) && registry.test(first);
  return repository.test(name);
}
