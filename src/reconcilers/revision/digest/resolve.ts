import { parseImageReference, pinnedName } from "../../../lib/image-reference.ts";
import { credentialsFor, type Keyring } from "./credentials.ts";
import type { RegistryClient } from "./registry.ts";
import type { ResolvedImage } from "./resolver.ts";

export interface ResolveOptions {
  readonly registry: RegistryClient;
  /** Registries (with their port) whose tags are used as they are. */
  readonly skip: readonly string[];
  /** Registries whose tags are used as they are when they cannot be resolved; "*" means all. */
  readonly tolerate: readonly string[];
  /** The pull secrets' credentials; asked only when a registry wants some. */
  readonly keyring: () => Promise<Keyring>;
  readonly signal: AbortSignal;
}

/**
 * Pins an image to its content: the image itself where it names a digest, its tag where its registry is skipped, else
 * `registry/repository@sha256:…`. Rejects with an Error that names the failing hop.
 * Source: serving v0.42.2 pkg/reconciler/revision resolve.go; tolerated registries are ours.
 */
export async function resolveImage(image: string, options: ResolveOptions): Promise<ResolvedImage> {
  const reference = parse(image);
  const { registry, repository } = reference;
  if (reference.digest !== undefined) return { pinned: image };
  if (options.skip.includes(registry)) return { pinned: "" };
  const credentials = async () => credentialsFor(await options.keyring(), registry, repository);
  try {
    return { pinned: pinnedName(reference, await options.registry.digestOf(reference, credentials, options.signal)) };
  } catch (error) {
    if (!options.tolerate.includes("*") && !options.tolerate.includes(registry)) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    return {
      pinned: "",
      warning: `Using the tag of "${image}" as it is: failed to resolve image to digest: ${reason}`,
    };
  }
}

function parse(image: string) {
  try {
    return parseImageReference(image);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`failed to parse image name ${JSON.stringify(image)} into a tag: ${reason}`, { cause });
  }
}
