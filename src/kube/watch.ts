import type { IncomingMessage } from "node:http";
import type { KubeObject } from "../apis/meta.ts";
import type { Clock } from "../lib/clock.ts";
import type { WatchEvent } from "./api.ts";
import { ConnectionError } from "./errors.ts";

/** A watch was silent for longer than a server that sends bookmarks should be. */
export class SilenceError extends ConnectionError {}

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
    else response.destroy(new SilenceError(`watch: silent for ${inactivityMs / 1000} s`));
  };
  checkSilence();
  let pending = "";
  const chunks = (response as AsyncIterable<string>)[Symbol.asyncIterator]();
  try {
    for (let chunk = await nextOf(chunks); chunk !== undefined; chunk = await nextOf(chunks)) {
      lastHeardAt = clock.monotonic();
      const lines = (pending + chunk).split("\n");
      pending = lines.pop()!;
      for (const line of lines) if (line !== "") onEvent(parseEvent(line));
    }
    if (pending.trim() !== "") throw new ConnectionError("watch: it ended in the middle of an event");
  } finally {
    cancelTimer();
    response.destroy();
  }
}

async function nextOf(chunks: AsyncIterator<string>): Promise<string | undefined> {
  try {
    const { done, value } = await chunks.next();
    return done ? undefined : value;
  } catch (error) {
    if (error instanceof SilenceError) throw error;
    throw new ConnectionError(`watch: ${(error as Error).message}`, { cause: error });
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
