import type { IncomingMessage } from "node:http";
import type { KubeObject } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { WatchEvent } from "./api.ts";
import { ConnectionError } from "./errors.ts";

/**
 * Reads the lines of a watch's answer and hands each to `onEvent`. Resolves at an orderly end; rejects with
 * ConnectionError when the connection breaks, a line is no JSON, or nothing comes for `inactivityMs`.
 */
export async function readWatch<T extends KubeObject>(
  response: IncomingMessage,
  onEvent: (event: WatchEvent<T>) => void,
  options: { readonly clock: Clock; readonly inactivityMs: number | undefined },
): Promise<void> {
  const { clock, inactivityMs } = options;
  response.setEncoding("utf8");
  let lastHeardAt = clock.monotonic();
  let cancelTimer = () => {};
  const checkSilence = () => {
    if (inactivityMs === undefined) return;
    const leftMs = lastHeardAt + inactivityMs - clock.monotonic();
    if (leftMs > 0) cancelTimer = clock.setTimer(leftMs, checkSilence);
    else response.destroy(new Error(`the watch was silent for ${inactivityMs / 1000} s`));
  };
  checkSilence();
  let pending = "";
  try {
    for await (const chunk of response as AsyncIterable<string>) {
      lastHeardAt = clock.monotonic();
      const lines = (pending + chunk).split("\n");
      pending = lines.pop()!;
      for (const line of lines) if (line !== "") onEvent(parseEvent(line));
    }
    if (pending.trim() !== "") throw new Error("the watch ended in the middle of an event");
  } catch (error) {
    throw error instanceof ConnectionError
      ? error
      : new ConnectionError(`watch: ${(error as Error).message}`, { cause: error });
  } finally {
    cancelTimer();
    response.destroy();
  }
}

function parseEvent<T extends KubeObject>(line: string): WatchEvent<T> {
  try {
    const event = JSON.parse(line) as WatchEvent<T>;
    if (typeof event.type === "string" && typeof event.object === "object" && event.object !== null) return event;
  } catch {
    // Reported below.
  }
  throw new ConnectionError(`watch: not an event: ${line.slice(0, 200)}`);
}
