import type { Clock } from "../../../../lib/clock.ts";
import { messageOf } from "../../../../lib/error-message.ts";
import type { ImageReference } from "../../../../lib/image-reference.ts";
import type { RegistryCredentials } from "../credentials.ts";
import type { RegistryTransport } from "../transport.ts";

export type ImageLocation = Pick<ImageReference, "registry" | "repository">;

/** Credentials that the program's surroundings give it: a file, the environment, the cloud that it runs on. */
export interface Keychain {
  /**
   * The credentials for an image, the best ones first; none, without asking anybody, where this keychain has nothing to do
   * with the registry. Rejects with an Error that says which hop failed, and holds no secret.
   */
  credentialsFor(image: ImageLocation, signal: AbortSignal): Promise<readonly RegistryCredentials[]>;
}

/** What keychains read and whom they ask. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Rejects where there is no such file. */
  readonly readFile: (path: string) => Promise<string>;
  readonly send: RegistryTransport["send"];
  readonly clock: Clock;
}

/** A registry's host name without its port. */
export function hostOf(registry: string): string {
  return registry.replace(/:\d*$/, "").toLowerCase();
}

/**
 * What the first source gives that gives anything; sources that are not set up give undefined. Rejects with what all
 * failing sources said, or with `otherwise`. A source is not asked before the one ahead of it has failed.
 */
export async function firstOf<T>(
  sources: readonly (() => Promise<T | undefined>)[],
  otherwise: string,
  signal: AbortSignal,
): Promise<T> {
  const failures: string[] = [];
  for (const source of sources) {
    try {
      const found = await source();
      if (found !== undefined) return found;
    } catch (error) {
      signal.throwIfAborted();
      failures.push(messageOf(error));
    }
  }
  throw new Error(failures.join("; ") || otherwise);
}
