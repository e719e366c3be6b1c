import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { type FakeClock, fakeClock } from "../testing/fake-clock.ts";
import { createLeaseWorld, type LeaseWorld, type Replica } from "../testing/lease-world.ts";
import { createBucketSet, makeBucketNames } from "./buckets.ts";
import { parseStatefulSet } from "./stateful-set.ts";

const timing = { leaseDurationMs: 15_000, renewDeadlineMs: 10_000, retryPeriodMs: 2000 };
const names = (count: number) => makeBucketNames("controlplane", "hakn", count);

/** One key of every bucket. */
function keysOfBuckets(count: number): string[] {
  const set = createBucketSet(names(count));
  const keys: string[] = [];
  for (let n = 0; keys.filter(Boolean).length < count; n++) keys[set.indexOf(`ns/k${n}`)] ??= `ns/k${n}`;
  return keys;
}

function setUp(buckets: number, peerLinks = true, seed = 1): { clock: FakeClock; world: LeaseWorld } {
  const clock = fakeClock();
  let state = seed;
  const random = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return state / 0x8000_0000;
  };
  return { clock, world: createLeaseWorld({ clock, random, peerLinks, config: { buckets, timing } }) };
}

const heldBy = (replicas: readonly Replica[]) => replicas.map(({ leases }) => leases.held().length);

/** Advances until the condition holds; returns how long it took. */
async function until(clock: FakeClock, condition: () => boolean, limitMs = 60_000): Promise<number> {
  for (let waitedMs = 0; waitedMs <= limitMs; waitedMs += 20) {
    if (condition()) return waitedMs;
    await clock.advance(20);
  }
  throw new Error(`not within ${limitMs} ms`);
}

test("a single replica has every bucket at once", async () => {
  const { clock, world } = setUp(4);
  const a = world.add("p-0");
  assert.ok((await until(clock, () => a.leases.held().length === 4)) <= 200);
  assert.ok(keysOfBuckets(4).every((key) => a.leases.owns(key)));
  assert.equal(a.leases.ownerOf("ns/x"), "p-0");
});

for (const count of [2, 3, 4]) {
  test(`${count} replicas share 4 buckets evenly`, async () => {
    const { clock, world } = setUp(4);
    const replicas = Array.from({ length: count }, (_, n) => world.add(`p-${n}`));
    const even = { 2: [2, 2], 3: [1, 1, 2], 4: [1, 1, 1, 1] }[count];
    await until(clock, () => JSON.stringify(heldBy(replicas).sort()) === JSON.stringify(even));
    await clock.advance(30_000);
    assert.deepEqual(heldBy(replicas).sort(), even);
  });
}

test("replicas that start together share the buckets within half a second, whichever message comes first", async () => {
  for (let seed = 1; seed <= 30; seed++) {
    const { clock, world } = setUp(4, true, seed * 7919);
    const replicas = ["p-0", "p-1", "p-2"].map((pod) => world.add(pod));
    const took = await until(clock, () => JSON.stringify(heldBy(replicas).sort()) === "[1,1,2]");
    assert.ok(took <= 500, `seed ${seed}: ${took} ms`);
  }
});

test("of more replicas than buckets some stand by", async () => {
  const { clock, world } = setUp(2);
  const replicas = ["p-0", "p-1", "p-2"].map((pod) => world.add(pod));
  await until(clock, () => JSON.stringify(heldBy(replicas).sort()) === "[0,1,1]");
});

test("a replica that comes later is handed its share within half a second", async () => {
  const { clock, world } = setUp(4);
  const a = world.add("p-0");
  await until(clock, () => a.leases.held().length === 4);
  await clock.advance(10_000);
  const b = world.add("p-1");
  let gained = 0;
  b.leases.onGained(() => gained++);
  assert.ok((await until(clock, () => b.leases.held().length === 2)) <= 500);
  assert.equal(a.leases.held().length, 2);
  assert.equal(gained, 2);
});

test("a replica that ends in order is succeeded at once", async () => {
  const { clock, world } = setUp(4);
  const [a, b] = [world.add("p-0"), world.add("p-1")];
  await until(clock, () => a.leases.held().length === 2 && b.leases.held().length === 2);
  const stopped = b.stop();
  assert.deepEqual(b.leases.held(), []);
  assert.ok((await until(clock, () => a.leases.held().length === 4)) <= 300);
  await stopped;
  assert.deepEqual(a.leases.members(), ["p-0"]);
});

test("a crash that peers notice is made up for at once", async () => {
  const { clock, world } = setUp(4);
  const [a, b] = [world.add("p-0"), world.add("p-1")];
  await until(clock, () => a.leases.held().length === 2 && b.leases.held().length === 2);
  b.crash();
  assert.ok((await until(clock, () => a.leases.held().length === 4)) <= 300);
});

test("a crash that nobody notices is made up for when the Lease expires", async () => {
  const { clock, world } = setUp(4, false);
  const [a, b] = [world.add("p-0"), world.add("p-1")];
  await until(clock, () => a.leases.held().length === 2 && b.leases.held().length === 2);
  b.crash();
  const took = await until(clock, () => a.leases.held().length === 4);
  assert.ok(took > 10_000 && took <= 16_000, `${took} ms`);
});

test("a process that restarts in its pod need not wait for its predecessor's Lease", async () => {
  const { clock, world } = setUp(2, false);
  const a = world.add("p-0");
  await until(clock, () => a.leases.held().length === 2);
  a.crash();
  const b = world.add("p-0");
  assert.ok((await until(clock, () => b.leases.held().length === 2)) <= 300);
});

test("a partitioned replica gives up before others take over", async () => {
  const { clock, world } = setUp(2, false);
  const [a, b] = [world.add("p-0"), world.add("p-1")];
  await until(clock, () => a.leases.held().length === 1 && b.leases.held().length === 1);
  b.partition();
  const gaveUp = await until(clock, () => b.leases.held().length === 0);
  assert.ok(gaveUp <= 10_000, `${gaveUp} ms`);
  assert.equal(a.leases.held().length, 1);
  await until(clock, () => a.leases.held().length === 2, 8000);
  b.heal();
  await until(clock, () => b.leases.held().length === 1, 5000);
});

test("a replica whose watch is dead does not take what others hold", async () => {
  const { clock, world } = setUp(2, false);
  const [a, b] = [world.add("p-0"), world.add("p-1")];
  await until(clock, () => a.leases.held().length === 1 && b.leases.held().length === 1);
  b.deafen();
  await clock.advance(60_000);
  assert.deepEqual(heldBy([a, b]), [1, 1]);
});

test("a replica whose watch is dead does not take from members that it never heard of", async () => {
  const { clock, world } = setUp(1, false);
  const [a, b] = [world.add("p-0"), world.add("p-1")];
  await until(clock, () => a.leases.held().length + b.leases.held().length === 1);
  const [holder, other] = a.leases.held().length === 1 ? [a, b] : [b, a];
  other.deafen();
  // A third one takes over, and loses its watch too: nobody would tell it of a theft.
  const third = world.add("p-2");
  await clock.advance(500);
  const stopped = holder.stop();
  await until(clock, () => third.leases.held().length === 1, 6000);
  await stopped;
  third.deafen();
  for (let n = 0; n < 600; n++) {
    await clock.advance(100);
    assert.ok(other.leases.held().length + third.leases.held().length <= 1, `two owners after ${n * 100} ms`);
  }
});

test("Leases left behind long ago are not waited for", async () => {
  const { clock, world } = setUp(2, false);
  const old = world.add("other-0");
  await until(clock, () => old.leases.held().length === 2);
  old.crash();
  await clock.advance(600_000);
  const fresh = world.add("p-0");
  assert.ok((await until(clock, () => fresh.leases.held().length === 2)) <= 1000);
});

test("a deleted Lease is written anew and its holder stays", async () => {
  const { clock, world } = setUp(2);
  const a = world.add("p-0");
  await until(clock, () => a.leases.held().length === 2);
  world.remove("controlplane.hakn.00-of-02");
  await clock.advance(5000);
  assert.equal(a.leases.held().length, 2);
  world.remove("controlplane.hakn.member.p-0");
  await until(clock, () => a.leases.held().length === 2 && world.stored.has("controlplane.hakn.member.p-0"), 5000);
});

for (const [what, befall] of [
  ["deleted", (world: LeaseWorld, name: string) => world.remove(name)],
  ["written", (world: LeaseWorld, name: string) => world.touch(name)],
] as const) {
  test(`a replica whose watch is dead takes a dead one's bucket, though somebody has ${what} its Lease`, async () => {
    const { clock, world } = setUp(2, false);
    const [a, b] = [world.add("p-0"), world.add("p-1")];
    await until(clock, () => a.leases.held().length === 1 && b.leases.held().length === 1);
    await clock.advance(1000);
    b.deafen();
    const [lost] = a.leases.held();
    a.crash();
    befall(world, lost!);
    await until(clock, () => b.leases.held().length === 2, 30_000);
    assert.match(world.stored.get(lost!)?.spec?.holderIdentity ?? "", /^p-1_/);
  });
}

const hourMs = 3_600_000;
for (const [name, byMs] of [
  ["back", -hourMs],
  ["forward", hourMs],
] as const) {
  test(`nobody loses a bucket, and a crash is made up for, when the wall clock is set ${name} by an hour`, async () => {
    const { clock, world } = setUp(4, false);
    const [a, b] = [world.add("p-0"), world.add("p-1")];
    await until(clock, () => String(heldBy([a, b])) === "2,2");
    const keys = keysOfBuckets(4);
    const owners = () =>
      keys.map((key) =>
        [a, b]
          .filter(({ leases }) => leases.owns(key))
          .map(({ pod }) => pod)
          .join(),
      );
    const before = owners();
    clock.jump(byMs);
    for (let passed = 0; passed < 120_000; passed += 100) {
      await clock.advance(100);
      assert.deepEqual(owners(), before, `${passed} ms later`);
    }
    b.crash();
    const waitedMs = await until(clock, () => a.leases.held().length === 4);
    assert.ok(waitedMs <= timing.leaseDurationMs + 2 * timing.retryPeriodMs, `${waitedMs} ms`);
  });
}

test("an idle replica writes one Lease per retry period, whatever the number of buckets", async () => {
  const { clock, world } = setUp(10);
  const a = world.add("p-0");
  await until(clock, () => a.leases.held().length === 10);
  const before = world.requests();
  await clock.advance(60_000);
  assert.ok(world.requests() - before <= 31, `${world.requests() - before} requests`);
});

test("after the end no timer is left", async () => {
  const { clock, world } = setUp(2);
  const a = world.add("p-0");
  await until(clock, () => a.leases.held().length === 2);
  const stopped = a.stop();
  await clock.advance(100);
  await stopped;
  assert.equal(clock.pendingTimers(), 0);
});

test("a replica whose API server does not answer ends within three seconds all the same", async () => {
  const { clock, world } = setUp(2);
  const a = world.add("p-0");
  await until(clock, () => a.leases.held().length === 2);
  a.partition();
  await clock.advance(2500);
  let ended = false;
  const stopped = a.stop().then(() => {
    ended = true;
  });
  await clock.advance(2999);
  assert.equal(ended, false);
  await clock.advance(1);
  await stopped;
});

test("in StatefulSet mode keys are divided as upstream does, and pods have the buckets of their ordinals", async () => {
  const { clock, world } = setUp(2);
  const environment = { serviceName: "autoscaler", namespace: "knative-serving", clusterDomain: "cluster.local" };
  const replicas = ["controlplane-1", "controlplane-0"].map((pod) =>
    world.add(pod, { statefulSet: parseStatefulSet({ ...environment, pod }) }),
  );
  await until(clock, () => replicas.every(({ leases }) => leases.held().length === 1));
  assert.deepEqual(replicas[0]?.leases.held(), ["controlplane.hakn.01-of-02"]);
  // Key n is "ns-{n%3}/service-{n*7}"; the digits are upstream's answers.
  const owners = "0000010110011101000111000101101110110011";
  for (let n = 0; n < owners.length - 1; n++) {
    assert.equal(replicas[0]?.leases.owns(`ns-${n % 3}/service-${n * 7}`), owners[n] === "1");
  }
});

const event = fc.record({
  what: fc.constantFrom("crash", "stop", "freeze", "thaw", "partition", "deafen", "heal", "add", "restart", "calm"),
  who: fc.nat(4),
  forMs: fc.constantFrom(50, 700, 3000, 11_000, 17_000),
});
type Event = typeof event extends fc.Arbitrary<infer E> ? E : never;

/** Without peer links: two replicas ask about a dead owner, and while one asks the other takes its bucket. */
const takenWhileAsking: [Event[], number] = [
  [
    { what: "add", who: 0, forMs: 50 },
    { what: "deafen", who: 1, forMs: 11_000 },
    { what: "crash", who: 0, forMs: 3000 },
    { what: "crash", who: 2, forMs: 50 },
    { what: "restart", who: 2, forMs: 50 },
    { what: "crash", who: 0, forMs: 17_000 },
    { what: "crash", who: 0, forMs: 11_000 },
    { what: "crash", who: 2, forMs: 3000 },
    { what: "crash", who: 0, forMs: 17_000 },
  ],
  2_105_809_681,
];

for (const peerLinks of [true, false]) {
  test(`whatever happens, no bucket has two owners or lacks one for long (${peerLinks ? "with" : "without"} peer links)`, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(event, { maxLength: 20, size: "max" }), fc.nat(), async (events, seed) => {
        const { clock, world } = setUp(3, peerLinks, seed);
        const keys = keysOfBuckets(3);
        let added = 3;
        let replicas = ["p-0", "p-1", "p-2"].map((pod) => world.add(pod));
        const healthySince = new Map<Replica, number>();
        const ownedAt = keys.map(() => clock.monotonic());
        // Expiry, a turn's granularity, the question whether it is true, patience with the one next in line, and writing.
        const limitMs = timing.leaseDurationMs + 3 * timing.retryPeriodMs + timing.renewDeadlineMs;

        const check = () => {
          const now = clock.monotonic();
          for (const replica of replicas) {
            if (!replica.healthy()) healthySince.delete(replica);
            else if (!healthySince.has(replica)) healthySince.set(replica, now);
          }
          for (const [bucket, key] of keys.entries()) {
            const owners = replicas.filter((replica) => replica.running() && replica.leases.owns(key));
            assert.ok(owners.length <= 1, `bucket ${bucket} has the owners ${owners.map(({ pod }) => pod)} at ${now}`);
            if (owners.length === 1) ownedAt[bucket] = now;
            const longestHealthy = Math.max(...[...healthySince.values()].map((since) => now - since), 0);
            const lackedMs = Math.min(now - ownedAt[bucket]!, longestHealthy);
            assert.ok(lackedMs <= limitMs, `bucket ${bucket} had no owner for ${lackedMs} ms`);
          }
        };
        const pass = async (forMs: number) => {
          for (let left = forMs; left > 0; left -= 100) {
            await clock.advance(Math.min(left, 100));
            check();
          }
        };

        await pass(1000);
        for (const { what, who, forMs } of events) {
          const replica = replicas[who % replicas.length];
          if (what === "add" && replicas.length < 5) replicas.push(world.add(`p-${added++}`));
          else if (what === "restart" && replica && !replica.running()) {
            // The kubelet kills a frozen process before it starts another in its place.
            replica.crash();
            replicas = replicas.filter((other) => other !== replica);
            replicas.push(world.add(replica.pod));
          } else if (what === "stop") void replica?.stop();
          else if (what !== "add" && what !== "restart" && what !== "calm") void replica?.[what as "crash"]();
          check();
          await pass(forMs);
        }
        for (const replica of replicas) {
          replica.thaw();
          replica.heal();
        }
        await pass(limitMs + 1000);
        for (const replica of replicas) replica.crash();
      }),
      { numRuns: 5, examples: [takenWhileAsking] },
    );
  });
}
