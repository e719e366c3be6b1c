import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, second, type World, type WorldConfig } from "./replica-world.ts";

/** Load of whole pods' worth and a little: a second that is lost or counted as none asks for a pod less. */
const before = 5;
const under = 41;
const needed = 5;
const burstMs = 11 * second;

interface Row {
  readonly name: string;
  readonly config: WorldConfig;
  /** The handovers begin so many milliseconds after the scale rose. */
  readonly afterMs: readonly number[];
  readonly handovers: (world: World, thenMs: number) => Promise<void>;
  /** How long the replica that took its keys back keeps them. */
  readonly thenMs: readonly number[];
}

/** Long enough that the replica's process is up again, as a container restarts. */
const restartMs = 1300;
/** Another replica takes what a dead one held, or is handed its keys back. */
const handoverMs = 60;

const killed = async (world: World, pod: string, heir: string | undefined) => {
  world.kill(pod);
  await world.clock.advance(handoverMs);
  world.owner = heir;
};
const backAgain = async (world: World, pod: string) => {
  await world.clock.advance(restartMs);
  world.start(pod);
  await world.clock.advance(handoverMs);
  world.owner = pod;
};
const killedAndBack = async (world: World, thenMs: number) => {
  await killed(world, "a", "b");
  await backAgain(world, "a");
  await world.clock.advance(thenMs);
};

const sequences: Pick<Row, "name" | "handovers" | "thenMs">[] = [
  {
    name: "killed",
    thenMs: [0],
    handovers: (world) => killed(world, "a", "b"),
  },
  {
    name: "killed, back, and killed again",
    thenMs: [500, 1000, 2000, 5000],
    async handovers(world, thenMs) {
      await killedAndBack(world, thenMs);
      await killed(world, "a", "b");
    },
  },
  {
    name: "killed, back, killed again, and back again",
    thenMs: [500, 1000, 2000, 5000],
    async handovers(world, thenMs) {
      await killedAndBack(world, thenMs);
      await killed(world, "a", "b");
      await backAgain(world, "a");
    },
  },
  {
    name: "killed, back, and its heir killed",
    thenMs: [500, 1000, 2000, 5000],
    async handovers(world, thenMs) {
      await killedAndBack(world, thenMs);
      await killed(world, "b", "a");
    },
  },
  {
    name: "handed over and back in order, and killed",
    thenMs: [500, 1000, 2000, 5000],
    async handovers(world, thenMs) {
      world.owner = "b";
      await world.clock.advance(thenMs);
      world.owner = "a";
      await world.clock.advance(thenMs);
      await killed(world, "a", "b");
    },
  },
  {
    name: "ended in order, back, and killed",
    thenMs: [500, 1000, 2000, 5000],
    async handovers(world, thenMs) {
      world.endInOrder("a");
      world.owner = "b";
      await backAgain(world, "a");
      await world.clock.advance(thenMs);
      await killed(world, "a", "b");
    },
  },
];
const moments: Pick<Row, "name" | "afterMs">[] = [
  { name: "the moment the scale rose", afterMs: [0, 300, 1100] },
  { name: "in panic", afterMs: [2000, 2700, 3900] },
  { name: "at the end of the window", afterMs: [8500, 9500, 10_500] },
];
const worlds: Pick<Row, "name" | "config">[] = [
  { name: "pods ready at once", config: { windowMs: 10_000 } },
  { name: "pods ready late, passes late", config: { windowMs: 10_000, startPodMs: 3000, metricPassMs: 700 } },
];

for (const { name: how, handovers, thenMs } of sequences) {
  for (const { name: when, afterMs } of moments) {
    test(`${how}, ${when}: the scale never falls while the load holds`, async () => {
      const cases = worlds.flatMap((world) =>
        afterMs.flatMap((after) => thenMs.map((then) => ({ ...world, after, then }))),
      );
      const dips = await Promise.all(
        cases.map(async ({ name: where, config, after, then }) => {
          const scales = await scalesOf(config, after, (world) => handovers(world, then));
          const falls = scales.length > scales.indexOf(needed) + 1;
          return falls ? [`${where}, ${after} ms, then ${then} ms: ${scales}`] : [];
        }),
      );
      assert.deepEqual(dips.flat(), []);
    });
  }
}

/** Every scale that is set when the load rises and the owner has trouble. */
async function scalesOf(config: WorldConfig, afterMs: number, trouble: (world: World) => Promise<void>) {
  const world = createWorld(config);
  const beganMs = world.clock.now();
  world.load = () => (world.clock.now() - beganMs < burstMs ? before : under);
  world.start("a");
  world.start("b");
  world.owner = "a";
  await world.clock.advance(burstMs);
  while (world.desiredScale < needed) await world.clock.advance(10);
  await world.clock.advance(afterMs);
  await trouble(world);
  await world.clock.advance(12 * second);
  world.stop();
  return world.scales;
}
