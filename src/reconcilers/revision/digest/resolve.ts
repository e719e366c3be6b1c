import { messageOf } from "../../../lib/error-message.ts";
import { type ImageReference, parseImageReference, pinnedName } from "../../../lib/image-reference.ts";
import { credentialsFor, type Keyring } from "./credentials.ts";
import type { Keychain } from "./keychains/keychain.ts";
import { type RegistryClient, RegistryRefusal } from "./registry.ts";
import type { ResolvedImage } from "./resolver.ts";

export interface ResolveOptions {
  readonly registry: RegistryClient;
  /** Registries (with their port) whose tags are used as they are. */
  readonly skip: readonly string[];
  /** Registries whose tags are used as they are when they cannot be resolved; "*" means all. */
  readonly tolerate: readonly string[];
  /** The pull secrets' credentials; asked only when a registry wants some. */
  readonly keyring: () => Promise<Keyring>;
  /** Where else credentials come from, once those of the pull secrets have been tried. */
  readonly keychains: readonly Keychain[];
  readonly signal: AbortSignal;
}

/**
 * Pins an image to its content: the image itself where it names a digest, its tag where its registry is skipped, else
 * `registry/repository@sha256:…`. Rejects with an Error that names the failing hop.
 * Source: serving v0.42.2 pkg/reconciler/revision resolve.go; tolerated registries are ours.
 */
export async function resolveImage(image: string, options: ResolveOptions): Promise<ResolvedImage> {
  const reference = parse(image);
  const { registry } = reference;
  if (reference.digest !== undefined) return { pinned: image };
  if (options.skip.includes(registry)) return { pinned: "" };
  try {
    return { pinned: pinnedName(reference, await digestOf(reference, options)) };
  } catch (error) {
    if (!options.tolerate.includes("*") && !options.tolerate.includes(registry)) throw error;
    return {
      pinned: "",
      warning: `Using the tag of "${image}" as it is: failed to resolve image to digest: ${messageOf(error)}`,
    };
  }
}

/** A keychain that fails counts as one without credentials, until the registry says that it wants some. */
async function digestOf(
  reference: ImageReference,
  { registry: client, keyring, keychains, signal }: ResolveOptions,
): Promise<string> {
  const { registry, repository } = reference;
  const failures: string[] = [];
  async function* credentials() {
    yield* credentialsFor(await keyring(), registry, repository);
    for (const keychain of keychains) {
      try {
        yield* await keychain.credentialsFor(reference, signal);
      } catch (error) {
        if (signal.aborted) throw new Error(`credentials for ${registry}: ${messageOf(error)}`, { cause: error });
        failures.push(messageOf(error));
      }
    }
  }
  try {
    return await client.digestOf(reference, credentials, signal);
  } catch (error) {
    if (!(error instanceof RegistryRefusal) || ![400, 401, 403].includes(error.status) || failures.length === 0)
      throw error;
    const message = `${error.message} (no other credentials: ${failures.join("; ")})`;
    throw new RegistryRefusal(message, error.status, error.retryAfterMs);
  }
}

function parse(image: string) {
  try {
    return parseImageReference(image);
  } catch (cause) {
    throw new Error(`failed to parse image name ${JSON.stringify(image)} into a tag: ${messageOf(cause)}`, { cause });
  }
}
