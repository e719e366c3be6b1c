import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KeyPair, ReadFile } from "./transport.ts";

const reloadIntervalMs = 60_000;

/** Reads `tls.crt` and `tls.key`; undefined when they are not mounted. Rejects when they cannot be read. */
export async function readKeyPair(readFile: ReadFile, directory: string): Promise<KeyPair | undefined> {
  const [cert, key] = await Promise.all(
    ["tls.crt", "tls.key"].map((name) => readFile(`${directory}/${name}`).catch(undefinedWhenAbsent)),
  );
  return cert === undefined || key === undefined ? undefined : { cert, key };
}

function undefinedWhenAbsent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

/**
 * Reads the pair again every minute and hands on what changed; a pair that cannot be read or used is logged and the old
 * one stays. Returns what stops it. Source: serving v0.42.2 pkg/queue/certificate/watcher.go.
 */
export function watchKeyPair(
  clock: Clock,
  logger: Logger,
  initial: KeyPair,
  read: () => Promise<KeyPair | undefined>,
  apply: (pair: KeyPair) => void,
): () => void {
  let current = initial;
  let stopped = false;
  let cancel = () => {};
  const check = async () => {
    try {
      const pair = await read();
      if (stopped) return;
      if (!pair) throw new Error("certificate and key are gone");
      if (pair.cert !== current.cert || pair.key !== current.key) {
        apply(pair);
        current = pair;
        logger.info("Certificate and/or key have changed on disk and were reloaded.");
      }
    } catch (error) {
      logger.error("failed to reload the certificate; the old one stays in use", { error });
    }
    schedule();
  };
  const schedule = () => {
    if (!stopped) cancel = clock.setTimer(reloadIntervalMs, () => void check());
  };
  schedule();
  return () => {
    stopped = true;
    cancel();
  };
}
