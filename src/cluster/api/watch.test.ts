import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { PassThrough } from "node:stream";
import { test } from "node:test";
import { fakeClock } from "../../testing/fake-clock.ts";
import { makeBuiltIns } from "./builtins.ts";
import type { Api, Call } from "./call.ts";
import { serveWatch } from "./watch.ts";

const configMaps = makeBuiltIns().find(({ key }) => key === "configmaps")!;

/** A watch of ConfigMaps, of which there are none, on a server whose revision is 7. */
function watching(query: string) {
  const clock = fakeClock();
  let subscribers = 0;
  const api = {
    clock,
    storage: { revision: 7, list: () => [] },
    cache: {
      since: () => [],
      subscribe() {
        subscribers += 1;
        return () => {
          subscribers -= 1;
        };
      },
    },
  } as unknown as Api;
  const left = new AbortController();
  const call = { query: new URLSearchParams(query), signal: left.signal } as unknown as Call;
  const response = Object.assign(new PassThrough(), { writeHead() {}, flushHeaders() {} });
  let text = "";
  response.setEncoding("utf8").on("data", (part: string) => {
    text += part;
  });
  let isOver = false;
  void serveWatch(api, call, configMaps, "ns", { as: "Object" }, response as unknown as ServerResponse).then(() => {
    isOver = true;
  });
  return {
    clock,
    leave: () => left.abort(),
    events: () => text.split("\n").filter((line) => line !== ""),
    state: () => ({ isOver, subscribers, timers: clock.pendingTimers() }),
  };
}

const bookmark = JSON.stringify({
  type: "BOOKMARK",
  object: { kind: "ConfigMap", apiVersion: "v1", metadata: { resourceVersion: "7" } },
});
const rows: [name: string, query: string, minutes: number, events: string[]][] = [
  ["that allows bookmarks gets one a minute", "allowWatchBookmarks=true", 2, [bookmark, bookmark]],
  ["may say so by 1", "allowWatchBookmarks=1", 1, [bookmark]],
  ["that does not allow them gets none", "allowWatchBookmarks=false", 5, []],
];
for (const [name, query, minutes, events] of rows) {
  test(`a watch ${name}`, async () => {
    const watch = watching(query);
    await watch.clock.advance(minutes * 60_000);
    assert.deepEqual(watch.events(), events);
    watch.leave();
    await watch.clock.advance(0);
    assert.deepEqual(watch.state(), { isOver: true, subscribers: 0, timers: 0 });
  });
}

const ends: [name: string, query: string, leastMs: number, mostMs: number][] = [
  ["after the seconds that it asked for", "timeoutSeconds=90", 90_000, 90_000],
  ["after half an hour to an hour", "", 1_800_000, 3_600_000],
];
for (const [name, query, leastMs, mostMs] of ends) {
  test(`a watch ends ${name}`, async () => {
    const watch = watching(`${query}&allowWatchBookmarks=true`);
    await watch.clock.advance(leastMs - 1);
    assert.equal(watch.state().isOver, false);
    await watch.clock.advance(mostMs - leastMs + 1);
    assert.deepEqual(watch.state(), { isOver: true, subscribers: 0, timers: 0 });
  });
}
