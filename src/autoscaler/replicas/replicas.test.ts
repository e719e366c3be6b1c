import assert from "node:assert/strict";
import { test } from "node:test";
import { createWorld, second, type World } from "./replica-world.ts";

interface Row {
  readonly name: string;
  /** Requests in flight at a second; the trouble begins at 100. */
  readonly load: (atSecond: number) => number;
  readonly trouble: (world: World) => Promise<void>;
  /** How many seconds the scale may be behind what it is without trouble where that rises; 4 unless told. */
  readonly lag?: number;
  /** The scale at the end, 250 s. */
  readonly atEnd: number;
}

const steady = (height: number) => () => height;
const burst = (from: number, height: number) => (atSecond: number) => (atSecond < from ? 10 : height);
const takeOver = async (world: World, pod: string, afterMs = 50) => {
  await world.clock.advance(afterMs);
  world.owner = pod;
};

const rows: Row[] = [
  {
    name: "the owner is killed under steady load",
    load: steady(200),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b");
    },
    atEnd: 20,
  },
  {
    name: "the owner is killed in panic, ten seconds into a burst",
    load: burst(90, 300),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b");
    },
    atEnd: 30,
  },
  {
    name: "the owner is killed at the end of the window, when the load has gone but the window still remembers it",
    load: (atSecond) => (atSecond < 60 ? 200 : 10),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b");
    },
    atEnd: 1,
  },
  {
    name: "the owner is killed and nobody takes over for ten seconds",
    load: steady(200),
    async trouble(world) {
      world.kill("a");
      await takeOver(world, "b", 10_000);
    },
    lag: 14,
    atEnd: 20,
  },
  {
    name: "the owner freezes, is robbed, and thaws",
    load: steady(200),
    async trouble(world) {
      world.freeze("a");
      await takeOver(world, "b", 15_000);
      await world.clock.advance(5000);
      world.thaw("a");
    },
    lag: 18,
    atEnd: 20,
  },
  {
    name: "the owner ends in order in the middle of a burst",
    load: burst(95, 300),
    async trouble(world) {
      world.endInOrder("a");
      world.owner = "b";
    },
    atEnd: 30,
  },
  {
    name: "both are killed: the newcomer knows nothing and holds the present scale",
    load: steady(200),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
    },
    atEnd: 20,
  },
  {
    name: "both are killed, and there is no load any more: the scale is held for a window, and falls then",
    load: (atSecond) => (atSecond < 100 ? 200 : 0),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
    },
    atEnd: 1,
  },
  {
    name: "a new replica joins, and the key moves to it",
    load: steady(200),
    async trouble(world) {
      world.start("c");
      await world.clock.advance(3000);
      world.owner = "c";
    },
    atEnd: 20,
  },
  {
    name: "a holding successor still scales up at once",
    load: (atSecond) => (atSecond < 100 ? 200 : 500),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
      await world.clock.advance(12_000);
      assert.equal(world.desiredScale, 50, "ten seconds after the takeover");
    },
    atEnd: 50,
  },
];

/** Runs a load for 250 seconds, the trouble after the first hundred. */
async function run({ load, trouble }: Pick<Row, "load" | "trouble">): Promise<World> {
  const world = createWorld();
  world.load = load;
  world.start("a");
  world.start("b");
  world.owner = "a";
  await world.clock.advance(100 * second);
  await trouble(world);
  await world.clock.advance((250 - world.curve.length) * second);
  world.stop();
  assert.equal(world.clock.pendingTimers(), 0);
  return world;
}

for (const { name, load, trouble, lag = 4, atEnd } of rows) {
  test(name, async () => {
    const quiet = await run({ load, trouble: async () => {} });
    const { curve, desiredScale } = await run({ load, trouble });
    const dips = curve.flatMap((scale, at) => {
      const least = Math.min(...quiet.curve.slice(Math.max(0, at - lag), at + 1));
      return scale < least ? [`second ${at}: ${scale} instead of ${least}`] : [];
    });
    assert.deepEqual(dips, []);
    assert.equal(desiredScale, atEnd);
  });
}

test("without a word of the predecessor's windows the scale is held for a whole window, though there is no load", async () => {
  const { curve } = await run({
    load: (atSecond) => (atSecond < 100 ? 200 : 0),
    async trouble(world) {
      world.kill("a");
      world.kill("b");
      world.start("c");
      await takeOver(world, "c", 2000);
    },
  });
  assert.equal(Math.min(...curve.slice(100, 160)), 20);
  assert.equal(curve.at(-1), 1);
});

test("with them it falls as though nothing had happened", async () => {
  const load = (atSecond: number) => (atSecond < 100 ? 200 : 0);
  const fellAt = (world: World) => world.curve.findIndex((scale, at) => at > 100 && scale < 10);
  const quiet = fellAt(await run({ load, trouble: async () => {} }));
  const disturbed = fellAt(
    await run({
      load,
      async trouble(world) {
        world.kill("a");
        await takeOver(world, "b");
      },
    }),
  );
  assert.ok(quiet > 100 && Math.abs(disturbed - quiet) <= 4, `at second ${disturbed} instead of ${quiet}`);
});
