import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../../lib/log.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { testSpec } from "../spec-world.ts";
import type { KeyMemory } from "./memory.ts";
import { decodeMemoryMessage, encodeMemoryMessage, MemoryMessageError } from "./memory-message.ts";
import { createMemoryReceiver } from "./memory-receiver.ts";

const nowMs = Date.parse("2024-01-01T00:00:00Z");
const memory: KeyMemory = {
  windowMs: 60_000,
  records: [[nowMs - 2000, 3, 5], [nowMs - 1000]],
  decider: {
    desiredScale: 3,
    state: {
      panicSinceMs: nowMs - 4000,
      maxPanicPods: 3,
      delay: { windowMs: 60_000, granularityMs: 2000, candidates: [{ index: 100, value: 3 }] },
    },
  },
  decisions: [
    {
      times: 1,
      firstAtMs: nowMs,
      explanation: {
        atMs: nowMs,
        before: 2,
        want: 3,
        desiredPods: 3,
        excessBurstCapacity: 0,
        readyPods: 2,
        stableValue: 200,
        panicValue: 200,
        mode: "panic",
        rule: "stable window",
        advisedBy: "stable window",
        asked: { stable: 3, panic: 3 },
        rates: { least: 1, most: 2000 },
        bounds: { min: 2, max: 30 },
        spec: testSpec,
      },
    },
  ],
};

const memories = (...entries: unknown[]) => JSON.stringify({ type: "memories", memories: entries });

test("a memory comes through as it was told", () => {
  const message = { type: "memories", memories: [["ns/app", memory]] } as const;
  assert.deepEqual(decodeMemoryMessage(encodeMemoryMessage(message), 0, nowMs), message);
});

test("times are moved to the listener's clock", () => {
  const told = decodeMemoryMessage(memories(["ns/app", memory]), -10_000, nowMs);
  assert.ok(told.type === "memories");
  const [, { records, decider }] = told.memories[0]!;
  assert.deepEqual(records, [[nowMs - 12_000, 3, 5], [nowMs - 11_000]]);
  assert.equal(decider?.state.panicSinceMs, nowMs - 14_000);
  assert.deepEqual(decider?.state.delay?.candidates, [{ index: 95, value: 3 }]);
});

const broken = (change: object) => memories(["ns/app", { ...memory, ...change }]);
const decider = memory.decider!;
const garbage: [string, string][] = [
  ["not JSON", "{"],
  ["nothing", "null"],
  ["another type", '{"type":"order"}'],
  ["a time that is none", '{"type":"hello","nowMs":"noon"}'],
  ["memories that are no list", '{"type":"memories","memories":{}}'],
  ["a memory that is no pair", memories(7)],
  ["a key without a namespace", memories(["app", memory])],
  ["an endless key", memories([`ns/${"a".repeat(1000)}`, memory])],
  ["a memory that is null", memories(["ns/app", null])],
  ["a window that is none", broken({ windowMs: "long" })],
  ["records that are no list", broken({ records: 5 })],
  ["a record that is null", broken({ records: [null] })],
  ["load below zero", broken({ records: [[nowMs, -1, 0]] })],
  ["load that is no number", broken({ records: [[nowMs, null, 0]] })],
  ["load of a time to come, which would stop a window", broken({ records: [[nowMs + 60_000, 1, 1]] })],
  ["load beyond all reason", broken({ records: [[nowMs, 1e300, 1]] })],
  ["a day of load", broken({ records: Array.from({ length: 86_400 }, (_, second) => [nowMs - second * 1000, 1, 1]) })],
  ["a decider without state", broken({ decider: { desiredScale: 3 } })],
  ["a decider without scale", broken({ decider: { state: decider.state } })],
  ["a delay that is no window", broken({ decider: { ...decider, state: { ...decider.state, delay: {} } } })],
  ["a decision that is null", broken({ decisions: [null] })],
  ["a decision without settings", broken({ decisions: [{ ...memory.decisions![0], explanation: { atMs: nowMs } }] })],
];

for (const [name, text] of garbage) {
  test(`a stranger on the port tells ${name}: refused, and said once`, () => {
    assert.throws(() => decodeMemoryMessage(text, 0, nowMs), MemoryMessageError);
    const learnt: string[] = [];
    const warnings: string[] = [];
    const receive = createMemoryReceiver({ learn: (key) => void learnt.push(key) }, fakeClock(nowMs), {
      ...silentLogger,
      warn: (words) => void warnings.push(words),
    })();
    receive(encodeMemoryMessage({ type: "hello", nowMs }));
    receive(text);
    receive(text);
    assert.deepEqual(learnt, []);
    assert.equal(warnings.length, 1);
    receive(memories(["ns/app", memory]));
    assert.deepEqual(learnt, ["ns/app"]);
  });
}

test("a second of a revision under load takes 300 bytes at most", () => {
  const seen = [nowMs - 1000, nowMs].map((atMs) => [atMs, 123.456789012345, 234.5678901234567] as const);
  const state = { panicSinceMs: nowMs, maxPanicPods: 12, delay: undefined };
  const news: KeyMemory = { windowMs: 60_000, records: seen, decider: { desiredScale: 12, state } };
  const text = encodeMemoryMessage({ type: "memories", memories: [["default/hello-00001", news]] });
  assert.ok(text.length <= 300, `${text.length} bytes`);
  assert.ok(text.length > 200, `the figure in decision 12 is too high: ${text.length} bytes`);
});

for (const offsetMs of [-0.4, 0.4, -1000.3]) {
  test(`seconds stay whole where clocks differ by ${offsetMs} ms`, () => {
    const text = encodeMemoryMessage({
      type: "memories",
      memories: [["ns/app", { windowMs: 60_000, records: [[nowMs]] }]],
    });
    const read = decodeMemoryMessage(text, offsetMs, nowMs);
    assert.ok(read.type === "memories");
    assert.deepEqual(read.memories[0]![1].records, [[nowMs + Math.round(offsetMs / 1000) * 1000]]);
  });
}

test("that a decider was told nothing of what was before is passed on", () => {
  const partial: KeyMemory = { ...memory, decider: { ...memory.decider!, isPartial: true } };
  const read = decodeMemoryMessage(
    encodeMemoryMessage({ type: "memories", memories: [["ns/app", partial]] }),
    0,
    nowMs,
  );
  assert.ok(read.type === "memories");
  assert.equal(read.memories[0]![1].decider?.isPartial, true);
});

test("memories of a speaker that has not told its time are refused", () => {
  const learnt: string[] = [];
  const warnings: string[] = [];
  const log = { ...silentLogger, warn: (words: string) => void warnings.push(words) };
  const receive = createMemoryReceiver({ learn: (key) => void learnt.push(key) }, fakeClock(nowMs), log)();
  receive(memories(["ns/app", memory]));
  assert.deepEqual([learnt, warnings.length], [[], 1]);
  receive(encodeMemoryMessage({ type: "hello", nowMs }));
  receive(memories(["ns/app", memory]));
  assert.deepEqual([learnt, warnings.length], [["ns/app"], 1]);
});

test("a fault of the listener's own is not taken for a bad message", () => {
  const fault = new Error("no such map");
  const learn = () => {
    throw fault;
  };
  const receive = createMemoryReceiver({ learn }, fakeClock(nowMs), silentLogger)();
  receive(encodeMemoryMessage({ type: "hello", nowMs }));
  assert.throws(() => receive(memories(["ns/app", memory])), fault);
});
