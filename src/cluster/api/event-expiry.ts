import type { Api } from "./call.ts";

const lifeMs = 3_600_000;
const lookEveryMs = 300_000;
const mostAtOnce = 500;

/** Removes Events an hour after their last change, as the real server does. Returns the way to stop. */
export function expireEvents(api: Api): () => void {
  let cancel = () => {};
  let stopped = false;
  const look = async () => {
    try {
      for (let removed = mostAtOnce; removed === mostAtOnce && !stopped; ) removed = await removeExpired(api);
    } catch (error) {
      if (!stopped) api.log.error("old events could not be removed", { error });
    }
    if (!stopped) cancel = api.clock.setTimer(lookEveryMs, () => void look());
  };
  cancel = api.clock.setTimer(0, () => void look());
  return () => {
    stopped = true;
    cancel();
  };
}

/** Removes some of the Events that are too old and resolves with how many. */
function removeExpired(api: Api): Promise<number> {
  return api.storage.write((transaction) => {
    const old = transaction
      .list("events")
      .filter(({ object }) => lastChange(object) + lifeMs <= api.clock.now())
      .slice(0, mostAtOnce);
    for (const { namespace, name } of old) transaction.remove("events", namespace, name);
    return old.length;
  });
}

function lastChange(object: object): number {
  const { metadata, lastTimestamp, eventTime, series } = object as {
    metadata: { creationTimestamp?: string };
    lastTimestamp?: string | null;
    eventTime?: string | null;
    series?: { lastObservedTime?: string };
  };
  const times = [metadata.creationTimestamp, lastTimestamp, eventTime, series?.lastObservedTime];
  return Math.max(...times.map((time) => Date.parse(time ?? "") || 0));
}
