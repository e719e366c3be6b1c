interface Flight<T> {
  readonly promise: Promise<T>;
  readonly stop: AbortController;
  waiters: number;
}

/** Runs `work` unless it is under way for the same key already. */
export type SingleFlight<T> = (
  key: string,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<T>,
) => Promise<T>;

/** One piece of work at a time for each key: who comes later waits for it, and it is given up when nobody waits any longer. */
export function createSingleFlight<T>(): SingleFlight<T> {
  const flights = new Map<string, Flight<T>>();

  const start = (key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> => {
    const stop = new AbortController();
    const flight: Flight<T> = { promise: work(stop.signal), stop, waiters: 0 };
    flights.set(key, flight);
    const land = () => {
      if (flights.get(key) === flight) flights.delete(key);
    };
    flight.promise.then(land, land);
    return flight;
  };

  return async (key, signal, work) => {
    signal.throwIfAborted();
    const flight = flights.get(key) ?? start(key, work);
    flight.waiters++;
    let leave = () => {};
    try {
      return await new Promise<T>((resolve, reject) => {
        leave = () => reject(signal.reason);
        signal.addEventListener("abort", leave, { once: true });
        flight.promise.then(resolve, reject);
      });
    } finally {
      signal.removeEventListener("abort", leave);
      if (--flight.waiters === 0) {
        if (flights.get(key) === flight) flights.delete(key);
        flight.stop.abort(signal.reason);
      }
    }
  };
}
