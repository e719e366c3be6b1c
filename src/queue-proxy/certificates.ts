import { existsSync, readFileSync } from "node:fs";
import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import type { KeyPair } from "./transport.ts";

const reloadIntervalMs = 60_000;

/** Reads `tls.crt` and `tls.key`, or returns undefined when they are not mounted. Throws when they cannot be read. */
export function readKeyPair(directory: string): KeyPair | undefined {
  const certPath = `${directory}/tls.crt`;
  const keyPath = `${directory}/tls.key`;
  if (!existsSync(certPath) || !existsSync(keyPath)) return undefined;
  return { cert: readFileSync(certPath, "utf8"), key: readFileSync(keyPath, "utf8") };
}

/**
 * Reads the pair again every minute and hands on what changed; a pair that cannot be read or used is logged and the old
 * one stays. Returns what stops it. Source: serving v0.42.2 pkg/queue/certificate/watcher.go.
 */
export function watchKeyPair(
  clock: Clock,
  logger: Logger,
  initial: KeyPair,
  read: () => KeyPair | undefined,
  apply: (pair: KeyPair) => void,
): () => void {
  let current = initial;
  let cancel: () => void;
  const check = () => {
    try {
      const pair = read();
      if (!pair) throw new Error("certificate and key are gone");
      if (pair.cert !== current.cert || pair.key !== current.key) {
        apply(pair);
        current = pair;
        logger.info("Certificate and/or key have changed on disk and were reloaded.");
      }
    } catch (error) {
      logger.error("failed to reload the certificate; the old one stays in use", { error });
    }
    cancel = clock.setTimer(reloadIntervalMs, check);
  };
  cancel = clock.setTimer(reloadIntervalMs, check);
  return () => cancel();
}
