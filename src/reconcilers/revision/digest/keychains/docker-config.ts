import { messageOf } from "../../../../lib/error-message.ts";
import { credentialsFor, emptyKeyring, type Keyring, keyringOfDockerConfig } from "../credentials.ts";
import type { Keychain, Surroundings } from "./keychain.ts";
import { createLeases } from "./leases.ts";

/** A mounted file may change while the program runs. */
const lifetimeMs = 30_000;

/**
 * The registries that a Docker configuration file holds names and passwords for: `config.json` in $DOCKER_CONFIG or in
 * `$HOME/.docker`. The programs that it may name (`credHelpers`, `credsStore`) are not run.
 * Source: go-containerregistry pkg/authn/keychain.go.
 */
export function createDockerConfigKeychain({ env, readFile, clock }: Surroundings): Keychain {
  const directory = env.DOCKER_CONFIG || (env.HOME && `${env.HOME}/.docker`);
  const leases = createLeases<Keyring>(clock);
  const read = async () => {
    const text = await readFile(`${directory}/config.json`).catch(() => undefined);
    try {
      return text === undefined ? emptyKeyring : keyringOfDockerConfig(text);
    } catch (cause) {
      throw new Error(`${directory}/config.json ${messageOf(cause)}`, { cause });
    }
  };
  return {
    async credentialsFor({ registry, repository }, signal) {
      if (!directory) return [];
      const keyring = await leases.get("", signal, async () => ({
        value: await read(),
        expiresAtMs: clock.now() + lifetimeMs,
      }));
      return credentialsFor(keyring, registry, repository);
    },
  };
}
