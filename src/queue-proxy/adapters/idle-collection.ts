import type { Clock } from "../../lib/clock.ts";

/** Quiet for so long: the load is over. */
const quietMs = 1000;
/** What an event leaves behind besides its bytes, roughly. */
const bytesPerEvent = 1024;
/** Less garbage than this is not worth a collection: a few probes a second must not cause one. */
const worthwhileBytes = 4 * 1024 * 1024;

/**
 * Gives memory back after load, since the runtime itself collects only when it allocates. Returns the function that takes
 * note of received bytes; `collect` runs once nothing has arrived for a second, when nobody waits for it.
 */
export function createIdleCollection(clock: Clock, collect: () => void): (receivedBytes: number) => void {
  let garbage = 0;
  let active = false;
  let watching = false;

  const watch = () => {
    watching = true;
    active = false;
    clock.setTimer(quietMs, check);
  };
  const check = () => {
    watching = false;
    if (active) watch();
    else if (garbage >= worthwhileBytes) {
      garbage = 0;
      collect();
    }
  };
  return (receivedBytes) => {
    garbage += receivedBytes + bytesPerEvent;
    active = true;
    if (!watching && garbage >= worthwhileBytes) watch();
  };
}
