import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import { createReadiness, parseProbes } from "./readiness.ts";
import type { Network } from "./transport.ts";

/** A container that refuses every connection. */
const refusing: Network = {
  listen: () => Promise.reject(new Error("not here")),
  connect(_options, _connected, failed) {
    queueMicrotask(() => failed(new Error("connect ECONNREFUSED")));
    return () => {};
  },
};

test("an aggressive probe gives up after ten seconds, and says how often it tried", async () => {
  const clock = fakeClock();
  const lines: string[] = [];
  const report = (line: string) => lines.push(line);
  const probes = parseProbes('{"tcpSocket":{"port":8080},"successThreshold":1}', false);
  const check = createReadiness({ network: refusing, clock, detectHttp2: false, report }, probes);
  let ready: boolean | undefined;
  void check().then((outcome) => {
    ready = outcome;
  });
  await clock.advance(9_900);
  assert.equal(ready, undefined);
  await clock.advance(200);
  assert.equal(ready, false);
  assert.match(lines[0] ?? "", /^aggressive probe error \(failed (199|200|201) times\): /);
  assert.equal(lines[1], "context deadline exceeded");
  assert.equal(clock.pendingTimers(), 0);
});

for (const [text, several, reason] of [
  ["{", false, /JSON/],
  ["[]", false, /not a probe object/],
  ["7", true, /not a probe object/],
] as const) {
  test(`the probe ${text} is refused`, () => assert.throws(() => parseProbes(text, several), reason));
}
