import assert from "node:assert/strict";
import { test } from "node:test";
import { type AverageWindow, linearWindow, weightedWindow } from "./average-window.ts";
import { createLoadHistory, type LoadRecord } from "./load-history.ts";
import { currentMax, maxWindow, recordMax } from "./max-window.ts";

const startMs = Date.parse("2024-01-01T00:00:00Z");
const at = (second: number) => startMs + second * 1000;

interface Row {
  readonly name: string;
  readonly create: () => AverageWindow;
  /** Second and value. */
  readonly recorded: readonly (readonly [number, number])[];
  /** Second, and the average then. */
  readonly read: readonly (readonly [number, number])[];
}

const five = () => linearWindow(5000, 1000);
const rows: Row[] = [
  { name: "nothing recorded", create: five, recorded: [], read: [[0, 0]] },
  {
    name: "a part of the window counts as a whole one",
    create: five,
    recorded: [
      [0, 4],
      [1, 6],
    ],
    read: [[1, 5]],
  },
  {
    name: "two values in one second add up",
    create: five,
    recorded: [
      [0, 4],
      [0.5, 6],
    ],
    read: [[0, 10]],
  },
  {
    name: "a gap counts as zero",
    create: five,
    recorded: [
      [0, 4],
      [3, 4],
    ],
    read: [[3, 2]],
  },
  {
    name: "seconds without a value at the end do not count; after a window nothing is left",
    create: five,
    recorded: [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
      [4, 5],
    ],
    read: [
      [4, 3],
      [5, 3.5],
      [8, 5],
      [9, 0],
    ],
  },
  {
    name: "what is older than the window is forgotten",
    create: five,
    recorded: [
      [0, 100],
      [7, 1],
    ],
    read: [[7, 1]],
  },
  {
    name: "a late value goes to its second",
    create: five,
    recorded: [
      [3, 4],
      [1, 2],
    ],
    read: [[3, 2]],
  },
  {
    name: "a value that comes a window late is left out",
    create: five,
    recorded: [
      [7, 4],
      [2, 100],
    ],
    read: [[7, 4]],
  },
  {
    name: "a value that comes almost a window late still counts",
    create: five,
    recorded: [
      [7, 4],
      [3, 6],
    ],
    read: [[7, 2]],
  },
  {
    name: "rounded down to six digits",
    create: five,
    recorded: [
      [0, 1],
      [1, 0],
      [2, 0],
    ],
    read: [[2, 0.333333]],
  },
  {
    name: "weighted: the newest value has most weight, and the weight of five seconds is 0.9999",
    create: () => weightedWindow(5000, 1000),
    recorded: [
      [0, 10],
      [1, 10],
      [2, 10],
      [3, 10],
      [4, 10],
    ],
    read: [[4, 9.999]],
  },
  {
    name: "weighted: one value decays second by second",
    create: () => weightedWindow(60_000, 1000),
    recorded: [[0, 10]],
    read: [
      [0, 2],
      [1, 1.6],
      [2, 1.28],
    ],
  },
];

for (const { name, create, recorded, read } of rows) {
  test(`average: ${name}`, () => {
    const window = create();
    for (const [second, value] of recorded) window.record(at(second), value);
    for (const [second, want] of read) {
      const got = window.average(at(second));
      assert.ok(Math.abs(got - want) < 1e-12, `second ${second}: ${got}, not ${want}`);
    }
  });
}

test("a window that is made longer keeps what it has; one that is made shorter keeps the newest", () => {
  for (const [windowMs, want] of [
    [10_000, 15 / 5],
    [2000, 4.5],
  ] as const) {
    const window = five();
    for (let second = 0; second < 5; second++) window.record(at(second), second + 1);
    window.resize(windowMs, at(4));
    assert.equal(window.average(at(4)), want);
  }
});

test("times with fractions of a millisecond, as a monotonic clock has them, lose nothing", () => {
  for (let step = 0; step < 2000; step++) {
    const fraction = (step * Math.PI) % 1;
    for (const window of [five(), weightedWindow(5000, 1000)]) {
      for (let second = 0; second < 8; second++) window.record(at(second) + 997 + fraction, 3);
      const average = window.average(at(7) + 998 + fraction);
      assert.ok(Math.abs(average - 3) < 0.001, `${average} is the average of nothing but 3, ${fraction} ms off`);
    }
  }
});

test("buckets shorter than a second are refused", () => assert.throws(() => linearWindow(5000, 500), RangeError));

test("the largest value of a window leaves with its second", () => {
  let window = maxWindow(6000, 2000);
  const seen = [
    [0, 5],
    [2, 3],
    [4, 4],
    [6, 1],
    [8, 1],
    [10, 1],
  ].map(([second = 0, value = 0]) => {
    window = recordMax(window, at(second), value);
    return currentMax(window);
  });
  assert.deepEqual(seen, [5, 5, 5, 4, 4, 1]);
});

test("a history: seconds in order, added up, joined with another's, no longer than its window", () => {
  const history = createLoadHistory(5000);
  history.add(at(1.2), { concurrency: 1, requests: 2 });
  history.add(at(1.7), { concurrency: 3, requests: 4 });
  history.add(at(2));
  const theirs: LoadRecord[] = [
    [at(0), 9, 9],
    [at(1), 9, 9],
    [at(3), 9, 9],
  ];
  history.merge(theirs);
  assert.deepEqual(history.records(), [[at(0), 9, 9], [at(1), 4, 6], [at(2)], [at(3), 9, 9]]);
  history.replace([[at(1), 7, 7]]);
  assert.deepEqual(history.from(at(1)), [[at(1), 7, 7], [at(2)], [at(3), 9, 9]]);
  assert.equal(history.unbrokenSinceMs(), at(0));
  history.add(at(20), { concurrency: 1, requests: 1 });
  assert.deepEqual(history.records(), [[at(20), 1, 1]]);
  assert.equal(history.unbrokenSinceMs(), at(20));
});
