import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import {
  type ConfigurationRollout,
  formatRollout,
  isDone,
  isValid,
  observeReady,
  parseRollout,
  type Rollout,
  stepRollout,
} from "./rollout.ts";

const second = 1e9;
const t0 = 1_700_000_000 * second;

function makeRollout(percent: number, shares: Record<string, number>, stepParams = {}): Rollout {
  const revisions = Object.entries(shares).map(([revisionName, share]) => ({ revisionName, percent: share }));
  return { configurations: [{ configurationName: "c", percent, revisions, stepParams }] };
}

function sharesOf({ configurations = [] }: Rollout): Record<string, number> {
  return Object.fromEntries(
    (configurations[0]?.revisions ?? []).map(({ revisionName, percent }) => [revisionName, percent]),
  );
}

describe("a rollout", () => {
  test("starts with 1 % for the new revision, lent by the one before", () => {
    const { rollout, nextStepNs } = stepRollout(makeRollout(100, { b: 100 }), makeRollout(100, { a: 100 }), t0);
    assert.deepEqual(sharesOf(rollout), { a: 99, b: 1 });
    assert.equal(rollout.configurations?.[0]?.stepParams.starttime, t0);
    assert.equal(nextStepNs, 0, "the pace is not known before the gateway has proven the first percent");
  });

  test("takes its pace from how long the first percent took", () => {
    const started = makeRollout(100, { a: 99, b: 1 }, { starttime: t0 });
    const seen = observeReady(started, t0 + 5 * second, 120);
    assert.deepEqual(seen.configurations?.[0]?.stepParams, {
      starttime: t0,
      nextStepTime: t0 + 10 * second,
      stepDuration: 5 * second,
      stepSize: 4,
    });
  });

  test("moves a step when its time has come, not before", () => {
    const params = { starttime: t0, nextStepTime: t0 + 10 * second, stepDuration: 5 * second, stepSize: 4 };
    const going = makeRollout(100, { a: 99, b: 1 }, params);
    const early = stepRollout(makeRollout(100, { b: 100 }), going, t0 + 9 * second);
    assert.deepEqual(sharesOf(early.rollout), { a: 99, b: 1 });
    assert.equal(early.nextStepNs, t0 + 10 * second);
    const due = stepRollout(makeRollout(100, { b: 100 }), going, t0 + 10 * second);
    assert.deepEqual(sharesOf(due.rollout), { a: 95, b: 5 });
    assert.equal(due.nextStepNs, t0 + 15 * second);
  });

  test("stacks a newer revision on one that is still rolling out, and drains the newest of the old first", () => {
    const going = makeRollout(
      100,
      { a: 60, b: 40 },
      { starttime: t0, nextStepTime: t0 + 60 * second, stepDuration: second, stepSize: 10 },
    );
    const { rollout } = stepRollout(makeRollout(100, { c: 100 }), going, t0 + 30 * second);
    assert.deepEqual(sharesOf(rollout), { a: 60, b: 39, c: 1 });
    assert.deepEqual(rollout.configurations?.[0]?.stepParams, { starttime: t0 + 30 * second });
  });

  test("is over when a cut share leaves nothing to the old ones", () => {
    const params = { starttime: t0, nextStepTime: t0 + 10 * second, stepDuration: 5 * second, stepSize: 4 };
    const going = makeRollout(66, { a: 3, b: 63 }, params);
    const { rollout, nextStepNs } = stepRollout(makeRollout(61, { b: 61 }), going, t0 + 9 * second);
    assert.deepEqual(sharesOf(rollout), { b: 61 });
    assert.ok(isDone(rollout));
    assert.equal(nextStepNs, 0);
  });

  test("gives a grown share to the newest, and takes a shrunk one from the oldest", () => {
    const going = makeRollout(50, { a: 30, b: 20 });
    assert.deepEqual(sharesOf(stepRollout(makeRollout(60, { b: 60 }), going, t0).rollout), { a: 30, b: 30 });
    assert.deepEqual(sharesOf(stepRollout(makeRollout(30, { b: 30 }), going, t0).rollout), { a: 10, b: 20 });
    assert.deepEqual(sharesOf(stepRollout(makeRollout(10, { b: 10 }), going, t0).rollout), { b: 10 });
  });

  test("is looked at again when the first of several has its next step", () => {
    const params = (at: number) => ({ starttime: t0, nextStepTime: at, stepDuration: second, stepSize: 4 });
    const named = (configurationName: string, { configurations = [] }: Rollout) => ({
      ...configurations[0]!,
      configurationName,
    });
    const going = [
      named("c", makeRollout(50, { a: 49, b: 1 }, params(t0 + 20 * second))),
      named("d", makeRollout(50, { x: 49, y: 1 }, params(t0 + 10 * second))),
    ];
    const goals = [named("c", makeRollout(50, { b: 50 })), named("d", makeRollout(50, { y: 50 }))];
    const { nextStepNs } = stepRollout({ configurations: goals }, { configurations: going }, t0);
    assert.equal(nextStepNs, t0 + 10 * second);
  });

  test("begins at full share for a tag that was not there", () => {
    const tagged = {
      configurations: [
        {
          configurationName: "c",
          tag: "new",
          percent: 100,
          revisions: [{ revisionName: "b", percent: 100 }],
          stepParams: {},
        },
      ],
    };
    assert.deepEqual(stepRollout(tagged, makeRollout(100, { a: 100 }), t0).rollout, tagged);
  });
});

test("the annotation survives a round trip, and nonsense in it counts as nothing", () => {
  const going = makeRollout(100, { a: 99, b: 1 }, { starttime: t0 + 123_456_789 });
  assert.deepEqual(parseRollout(formatRollout(going)), going);
  const params = { starttime: t0, nextStepTime: t0 + second, stepDuration: second, stepSize: 4 };
  const paced = makeRollout(100, { a: 99, b: 1 }, params);
  assert.deepEqual(parseRollout(formatRollout(paced)), paced);
  const wrongSum = formatRollout(makeRollout(100, { a: 50, b: 1 }));
  const entry = '{"configurationName":"c","percent":0,"stepParams":{}}';
  const odd = (revisions: string) => entry.replace("}}", `},"revisions":${revisions}}`);
  const nonsense = [entry.replace('"c"', "1"), entry.replace("0", '"0"'), entry.replace("{}", "1"), odd("[{}]")];
  const joined = [...nonsense, odd('[{"revisionName":1,"percent":0}]'), odd("1")].map(
    (part) => `{"configurations":[${entry},${part}]}`,
  );
  assert.ok(parseRollout(`{"configurations":[${entry},${entry}]}`));
  for (const text of ["", "{", "7", "null", '{"configurations":3}', '{"configurations":[{}]}', wrongSum, ...joined]) {
    assert.equal(parseRollout(text), undefined, text);
  }
});

const names = ["a", "b", "c", "d"];

/** What may happen to a route while it rolls out. */
const event = fc.record({
  newest: fc.constantFrom(...names),
  percent: fc.integer({ min: 1, max: 100 }),
  waitSeconds: fc.integer({ min: 0, max: 90 }),
  isProven: fc.boolean(),
});

test("a rollout loses no traffic, whatever happens, and ends where the spec wants it", () => {
  fc.assert(
    fc.property(
      fc.array(event, { minLength: 1, maxLength: 30 }),
      fc.integer({ min: 1, max: 600 }),
      (events, duration) => {
        let now = t0;
        let state: Rollout = makeRollout(100, { a: 100 });
        const pass = (wanted: ConfigurationRollout, isProven: boolean) => {
          const seen = isProven ? observeReady(state, now, duration) : state;
          state =
            parseRollout(formatRollout(stepRollout({ configurations: [wanted] }, seen, now).rollout)) ??
            assert.fail("the state is invalid");
          const [configuration] = state.configurations!;
          const total = configuration!.revisions!.reduce((sum, { percent }) => sum + percent, 0);
          assert.ok(isValid(state));
          assert.equal(total, wanted.percent, "the shares add up");
          assert.ok(configuration!.revisions!.every(({ percent }) => percent > 0));
          assert.equal(configuration!.revisions!.at(-1)!.revisionName, wanted.revisions![0]!.revisionName);
        };
        for (const { newest, percent, waitSeconds, isProven } of events) {
          now += waitSeconds * second;
          pass(makeRollout(percent, { [newest]: percent }).configurations![0]!, isProven);
        }
        const { percent, newest } = events.at(-1)!;
        const wanted = makeRollout(percent, { [newest]: percent }).configurations![0]!;
        for (let steps = 0; !isDone(state); steps++) {
          assert.ok(steps < 250, "the rollout ends");
          now += (duration + 60) * second;
          pass(wanted, true);
        }
      },
    ),
    { numRuns: 300 },
  );
});
