import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../testing/fake-clock.ts";
import type { RecordedDecision } from "../explain/decision-ring.ts";
import type { LoadRecord } from "../windows/load-history.ts";
import { createStandby } from "./memory.ts";
import { startReplication } from "./replication.ts";
import type { Succession } from "./succession.ts";

const ours = "ns/ours";
const theirs = "ns/theirs";
const windowMs = 60_000;
const startMs = fakeClock().now();

const decisionAt = (atMs: number) =>
  ({ times: 1, firstAtMs: atMs, explanation: { atMs } }) as unknown as RecordedDecision;

/** A replica that works on one key and remembers another, and what it tells its peers. */
function setUp() {
  const clock = fakeClock();
  const records: LoadRecord[] = Array.from({ length: 60 }, (_, second) => [startMs - (60 - second) * 1000, 10, 20]);
  const decisions = Array.from({ length: 12 }, (_, index) => decisionAt(startMs - (12 - index) * 1000));
  const world = { owned: true, peers: [] as string[], records, decisions };
  const letGo: string[] = [];
  const succession: Succession = {
    keys: () => (letGo.includes(ours) ? [] : [ours]),
    memoryOf(key, fromMs = Number.NEGATIVE_INFINITY) {
      if (key !== ours) return undefined;
      return { windowMs, records: records.filter(([atMs]) => atMs >= fromMs), decisions };
    },
    letGo: (key) => void letGo.push(key),
    learn: () => {},
  };
  const standby = createStandby();
  standby.learn(theirs, { windowMs, records: [[startMs - 1000, 1, 1]] });
  const told: string[] = [];
  const opened = new Map<string, () => void>();
  const replication = startReplication({
    owns: () => world.owned,
    peers: () => world.peers.map((address) => ({ address })),
    succession,
    standby,
    connect: (url, onOpen) => {
      const { host } = new URL(url);
      opened.set(host, onOpen);
      return {
        send(text) {
          const message = JSON.parse(text as string);
          if (message.type === "hello") told.push(`${host} hello`);
          for (const [key, memory] of message.memories ?? []) {
            told.push(`${host} ${key} ${memory.records.length} seconds, ${memory.decisions?.length ?? 0} decisions`);
          }
          return true;
        },
        close: () => void told.push(`${host} closed`),
      };
    },
    clock,
  });
  return { clock, world, told, opened, letGo, replication };
}

test("a replica that was not there before is told everything, then what is new, and in the end what we let go of", async () => {
  const { clock, world, told, opened, letGo, replication } = setUp();
  world.peers = ["b:1"];
  await clock.advance(1000);
  assert.deepEqual(told.splice(0), [
    "b:1 hello",
    `b:1 ${ours} 60 seconds, 8 decisions`,
    `b:1 ${theirs} 1 seconds, 0 decisions`,
  ]);

  await clock.advance(1000);
  assert.deepEqual(told.splice(0), [], "nothing is new");
  world.records.push([startMs + 2000, 5, 5]);
  await clock.advance(1000);
  assert.deepEqual(
    told.splice(0),
    [`b:1 ${ours} 2 seconds, 0 decisions`],
    "the last second told may have been a part of one",
  );
  world.decisions.push(decisionAt(startMs + 3000));
  await clock.advance(1000);
  assert.deepEqual(told.splice(0), [`b:1 ${ours} 1 seconds, 1 decisions`], "a decision alone is news");

  opened.get("b:1")!();
  assert.equal(told.splice(0).length, 3, "a connection that stands anew is told everything again");

  world.owned = false;
  await clock.advance(1000);
  assert.deepEqual(told.splice(0), [`b:1 ${ours} 61 seconds, 13 decisions`]);
  assert.deepEqual(letGo, [ours]);
  world.peers = [];
  await clock.advance(1000);
  assert.deepEqual(told.splice(0), ["b:1 closed"]);
  replication.close();
  assert.equal(clock.pendingTimers(), 0);
});
