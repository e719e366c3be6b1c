import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import { createReadiness, parseProbes } from "./readiness.ts";
import type { ConnectionEvents, Network } from "./transport.ts";

/** A container that refuses every connection. */
const refusing: Network = {
  listen: () => Promise.reject(new Error("not here")),
  connect(_options, _connected, failed) {
    queueMicrotask(() => failed(new Error("connect ECONNREFUSED")));
    return () => {};
  },
};

/** A container that answers the nth request with the nth status (the last one again and again); 0: no answer. */
function answering(statuses: readonly number[], askedAt: () => void): Network {
  let asked = 0;
  const answer = (events: ConnectionEvents) => {
    askedAt();
    const status = statuses[Math.min(asked++, statuses.length - 1)]!;
    const head = Buffer.from(`HTTP/1.1 ${status} X\r\nContent-Length: 0\r\n\r\n`, "latin1");
    if (status !== 0) queueMicrotask(() => events.data(head));
    return true;
  };
  return {
    listen: () => Promise.reject(new Error("not here")),
    connect(_options, connected) {
      queueMicrotask(() => {
        const events: ConnectionEvents = connected({
          remoteAddress: "127.0.0.1:1",
          secure: false,
          write: () => answer(events),
          writeCopy: () => answer(events),
          end: (sent) => sent(),
          destroy() {},
          pause() {},
          resume() {},
        });
      });
      return () => {};
    },
  };
}

/** Answers of a container, and when an aggressive probe that wants three successes in a row asks it, in ms. */
const aggressive: readonly [name: string, statuses: readonly number[], askedAtMs: readonly number[]][] = [
  ["three successes: every 50 ms", [200], [0, 50, 100]],
  ["failures first", [500, 500, 200], [0, 50, 100, 150, 200]],
  ["a failure in between: from the beginning", [200, 200, 500, 200], [0, 50, 100, 150, 200, 250]],
  ["no answer: the next try follows at once after 100 ms", [200, 0, 200], [0, 50, 150, 200, 250]],
];

for (const [name, statuses, askedAtMs] of aggressive) {
  test(`an aggressive probe, ${name}`, async () => {
    const clock = fakeClock();
    const asked: number[] = [];
    const network = answering(statuses, () => asked.push(clock.monotonic()));
    const probes = parseProbes('{"httpGet":{"path":"/","port":8080},"successThreshold":3}', false);
    const check = createReadiness({ network, clock, detectHttp2: false, report() {} }, probes)();
    await clock.advance(1000);
    assert.deepEqual(asked, askedAtMs);
    assert.equal(await check, true);
    assert.equal(clock.pendingTimers(), 0);
  });
}

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
