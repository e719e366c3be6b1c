import type { Clock } from "../../../../lib/clock.ts";
import { messageOf } from "../../../../lib/error-message.ts";

const patienceMs = 1000;
const silenceIsRememberedMs = 3 * 60_000;
const refusalIsRememberedMs = 10_000;

/**
 * Asks somebody who is only there on machines of one cloud, such as a metadata server, and answers at once if so. `ask` gets
 * a second. A failure names `name` and is remembered, so that machines elsewhere do not wait again and again: silence for three minutes, what
 * failed at once for ten seconds, since the server may be starting too.
 */
export function createProbe<T>(
  clock: Clock,
  name: string,
  ask: (signal: AbortSignal) => Promise<T>,
): (signal: AbortSignal) => Promise<T> {
  let failed: { readonly error: Error; readonly untilMs: number } | undefined;
  return async (signal) => {
    if (failed && clock.monotonic() < failed.untilMs) throw failed.error;
    const tooLong = new AbortController();
    const cancel = clock.setTimer(patienceMs, () => tooLong.abort(new Error(`no answer within ${patienceMs / 1000}s`)));
    try {
      const found = await ask(AbortSignal.any([signal, tooLong.signal]));
      failed = undefined;
      return found;
    } catch (cause) {
      signal.throwIfAborted();
      const error = new Error(`${name}: ${messageOf(cause)}`, { cause });
      const rememberedMs = tooLong.signal.aborted ? silenceIsRememberedMs : refusalIsRememberedMs;
      failed = { error, untilMs: clock.monotonic() + rememberedMs };
      throw error;
    } finally {
      cancel();
    }
  };
}
