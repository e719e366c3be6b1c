import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import { steadyTime } from "../steady-time.ts";
import { decodeMemoryMessage, MemoryMessageError } from "./memory-message.ts";
import type { Succession } from "./succession.ts";

/** Returns what takes in the messages of one connection, in order; what it cannot read is logged once. */
export function createMemoryReceiver(succession: Pick<Succession, "learn">, clock: Clock, log: Logger) {
  const now = steadyTime(clock);
  return (): ((text: string) => void) => {
    let offsetMs: number | undefined;
    let complained = false;
    return (text) => {
      try {
        const message = decodeMemoryMessage(text, offsetMs ?? 0, now());
        if (message.type === "hello") {
          offsetMs = now() - message.nowMs;
        } else {
          if (offsetMs === undefined) throw new MemoryMessageError("memories before the speaker's time was told");
          for (const [key, memory] of message.memories) succession.learn(key, memory);
        }
      } catch (error) {
        if (!(error instanceof MemoryMessageError)) throw error;
        if (!complained) log.warn("another replica sent a memory that cannot be read", { error });
        complained = true;
      }
    };
  };
}
