import assert from "node:assert/strict";
import { test } from "node:test";
import { createSingleFlight } from "./single-flight.ts";

const never = new AbortController().signal;

/** Work that ends when it is told to. */
function work() {
  const flights: { signal: AbortSignal; resolve: (value: string) => void; reject: (error: Error) => void }[] = [];
  const run = (signal: AbortSignal) =>
    new Promise<string>((resolve, reject) => void flights.push({ signal, resolve, reject }));
  return { flights, run };
}

test("who comes while work is under way shares it, and who comes later starts anew", async () => {
  const once = createSingleFlight<string>();
  const { flights, run } = work();
  const both = [once("a", never, run), once("a", never, run)];
  assert.equal(flights.length, 1);
  flights[0]!.resolve("one");
  assert.deepEqual(await Promise.all(both), ["one", "one"]);
  const later = once("a", never, run);
  flights[1]!.resolve("two");
  assert.equal(await later, "two");
});

test("other keys are other work", () => {
  const once = createSingleFlight<string>();
  const { flights, run } = work();
  void once("a", never, run);
  void once("b", never, run);
  assert.equal(flights.length, 2);
});

test("a failure is everybody's, and is forgotten", async () => {
  const once = createSingleFlight<string>();
  const { flights, run } = work();
  const both = [once("a", never, run), once("a", never, run)].map((asked) => asked.catch(({ message }) => message));
  flights[0]!.reject(new Error("down"));
  assert.deepEqual(await Promise.all(both), ["down", "down"]);
  void once("a", never, run);
  assert.equal(flights.length, 2);
});

test("who gives up leaves the work to the others; when all have, it is given up", async () => {
  const once = createSingleFlight<string>();
  const { flights, run } = work();
  const [first, second] = [new AbortController(), new AbortController()];
  const both = [once("a", first.signal, run), once("a", second.signal, run)];
  first.abort(new Error("first left"));
  await assert.rejects(both[0]!, { message: "first left" });
  assert.equal(flights[0]!.signal.aborted, false);
  second.abort(new Error("second left"));
  await assert.rejects(both[1]!, { message: "second left" });
  assert.equal(flights[0]!.signal.reason.message, "second left");
  void once("a", never, run);
  assert.equal(flights.length, 2, "nobody joins work that was given up");
});

test("who has given up already starts nothing", async () => {
  const once = createSingleFlight<string>();
  const { flights, run } = work();
  await assert.rejects(once("a", AbortSignal.abort(new Error("left")), run), { message: "left" });
  assert.equal(flights.length, 0);
});
