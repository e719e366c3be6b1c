import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../../../testing/fake-clock.ts";
import { createLeases } from "./leases.ts";

const signal = new AbortController().signal;

for (const [name, lifetimeMs, keptMs] of [
  ["five minutes before its end", 60 * 60_000, 55 * 60_000],
  ["at half its time, if that is short", 4 * 60_000, 2 * 60_000],
] as const) {
  test(`a lease is renewed ${name}`, async () => {
    const clock = fakeClock();
    const leases = createLeases<number>(clock);
    let fetched = 0;
    const get = () =>
      leases.get("a", signal, async () => ({ value: ++fetched, expiresAtMs: clock.now() + lifetimeMs }));
    assert.equal(await get(), 1);
    await clock.advance(keptMs - 1);
    assert.equal(await get(), 1);
    await clock.advance(1);
    assert.equal(await get(), 2);
  });
}

test("a lease without end is never renewed", async () => {
  const clock = fakeClock();
  const leases = createLeases<number>(clock);
  let fetched = 0;
  const get = () => leases.get("a", signal, async () => ({ value: ++fetched, expiresAtMs: Number.POSITIVE_INFINITY }));
  await get();
  await clock.advance(365 * 24 * 3_600_000);
  assert.equal(await get(), 1);
});

test("a lease that cannot be renewed serves to its end", async () => {
  const clock = fakeClock();
  const leases = createLeases<string>(clock);
  const down = () => Promise.reject(new Error("down"));
  await leases.get("a", signal, async () => ({ value: "good", expiresAtMs: clock.now() + 3_600_000 }));
  await clock.advance(3_599_999);
  assert.equal(await leases.get("a", signal, down), "good");
  await clock.advance(1);
  await assert.rejects(leases.get("a", signal, down), { message: "down" });
});

test("a lease that had ended when it came is handed out, and not kept", async () => {
  const clock = fakeClock();
  const leases = createLeases<number>(clock);
  let fetched = 0;
  const get = () => leases.get("a", signal, async () => ({ value: ++fetched, expiresAtMs: clock.now() - 1000 }));
  assert.deepEqual([await get(), await get()], [1, 2]);
});

test("many who want a lease at once cause one request, other keys others", async () => {
  const clock = fakeClock();
  const leases = createLeases<number>(clock);
  let fetched = 0;
  const fetch = async () => {
    await clock.sleep(100);
    return { value: ++fetched, expiresAtMs: clock.now() + 3_600_000 };
  };
  const all = Promise.all(["a", "a", "a", "b"].map((key) => leases.get(key, signal, fetch)));
  await clock.advance(100);
  assert.deepEqual(await all, [1, 1, 1, 2]);
});

test("the oldest of too many leases is dropped", async () => {
  const clock = fakeClock();
  const leases = createLeases<string>(clock);
  const fetched: string[] = [];
  const get = (key: string) =>
    leases.get(key, signal, async () => {
      fetched.push(key);
      return { value: key, expiresAtMs: clock.now() + 3_600_000 };
    });
  for (let index = 0; index < 101; index++) await get(`key-${index}`);
  fetched.length = 0;
  await get("key-1");
  await get("key-0");
  assert.deepEqual(fetched, ["key-0"]);
});
