import type { Clock } from "../../lib/clock.ts";

/** Quiet for so long: the load is over. */
const quietMs = 1000;
/** After so many times that long, a load that goes on may be interrupted for a few milliseconds. */
const busyTurns = 3;
/** What an event leaves behind besides its bytes, roughly. */
const bytesPerEvent = 1024;
/** Pieces of this size belong to long bodies, whose garbage outlasts the runtime's own collections. */
const longPieceBytes = 16 * 1024;
/** Less garbage than this is not worth a collection: a few probes a second must not cause one. */
const worthwhileBytes = 4 * 1024 * 1024;

/**
 * Gives memory back, since the runtime itself collects only when it allocates, and seldom everything. Returns the function
 * that takes note of received bytes; `collect` runs once nothing has arrived for a second, when nobody waits for it, and
 * every three seconds of a load that does not end, if long bodies are part of it.
 */
export function createCollection(clock: Clock, collect: () => void): (receivedBytes: number) => void {
  let garbage = 0;
  let longGarbage = 0;
  let active = false;
  /** How many turns the load has lasted; 0: it is not watched. */
  let turns = 0;

  const watch = () => {
    turns++;
    active = false;
    clock.setTimer(quietMs, check);
  };
  const check = () => {
    const interrupts = turns >= busyTurns && longGarbage >= worthwhileBytes;
    if (active && !interrupts) {
      watch();
      return;
    }
    turns = 0;
    garbage = 0;
    longGarbage = 0;
    collect();
  };
  return (receivedBytes) => {
    garbage += receivedBytes + bytesPerEvent;
    if (receivedBytes >= longPieceBytes) longGarbage += receivedBytes;
    active = true;
    if (turns === 0 && garbage >= worthwhileBytes) watch();
  };
}
