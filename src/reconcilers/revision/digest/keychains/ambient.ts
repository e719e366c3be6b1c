import { createAmazonKeychain } from "./amazon.ts";
import { createAzureKeychain } from "./azure.ts";
import { createDockerConfigKeychain } from "./docker-config.ts";
import { createGoogleKeychain } from "./google.ts";
import type { Keychain, Surroundings } from "./keychain.ts";

/**
 * All keychains, in the order in which they are asked once the pull secrets have been tried.
 * Source: go-containerregistry pkg/authn/k8schain.
 */
export function createAmbientKeychains(surroundings: Surroundings): readonly Keychain[] {
  return [createDockerConfigKeychain, createGoogleKeychain, createAmazonKeychain, createAzureKeychain].map((create) =>
    create(surroundings),
  );
}
