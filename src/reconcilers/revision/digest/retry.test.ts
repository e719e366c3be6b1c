import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../../../testing/fake-clock.ts";
import { withRetries } from "./retry.ts";
import type { HttpAnswer } from "./transport.ts";

type Outcome = number | { readonly status: number; readonly retryAfter: string } | Error;

/** Sends one request to a registry that answers with these outcomes; the seconds at which it was asked, and the end. */
async function run(outcomes: readonly Outcome[]) {
  const clock = fakeClock();
  const askedAt: number[] = [];
  const transport = withRetries(
    {
      async send(): Promise<HttpAnswer> {
        const outcome = outcomes[askedAt.length] ?? 200;
        askedAt.push(clock.monotonic() / 1000);
        if (outcome instanceof Error) throw outcome;
        const { status, retryAfter } =
          typeof outcome === "number" ? { status: outcome, retryAfter: undefined } : outcome;
        return { status, headers: { ...(retryAfter && { "retry-after": retryAfter }) }, body: Buffer.of() };
      },
      close() {},
    },
    clock,
  );
  const request = { method: "HEAD" as const, url: "https://r.example/v2/", signal: new AbortController().signal };
  const end = transport.send(request).then(
    ({ status }) => status,
    (error: Error) => error.message,
  );
  await clock.advance(60_000);
  return { askedAt, end: await end };
}

const broken = (code: string) => new Error(`HEAD: ${code}`, { cause: Object.assign(new Error(), { code }) });

for (const [name, outcomes, askedAt, end] of [
  ["an answer", [200], [0], 200],
  ["a refusal", [404], [0], 404],
  ["two passing troubles", [503, 502], [0, 1, 4], 200],
  ["trouble that does not pass", [503, 503, 503, 200], [0, 1, 4], 503],
  ["a connection that broke", [broken("ECONNRESET")], [0, 1], 200],
  ["connections that break", [broken("EPIPE"), broken("ECONNRESET"), broken("EPIPE")], [0, 1, 4], "HEAD: EPIPE"],
  ["nobody there", [broken("ECONNREFUSED")], [0], "HEAD: ECONNREFUSED"],
  ["too many requests", [429], [0], 429],
  ["too many requests for two seconds", [{ status: 429, retryAfter: "2" }], [0, 2], 200],
  ["too many requests for an hour", [{ status: 429, retryAfter: "3600" }], [0], 429],
  ["trouble for three seconds", [{ status: 503, retryAfter: "3" }], [0, 3], 200],
  ["trouble for a minute", [{ status: 503, retryAfter: "60" }], [0], 503],
  ["a date that nobody reads", [{ status: 503, retryAfter: "Wed, 21 Oct 2026 07:28:00 GMT" }], [0, 1], 200],
] as const satisfies readonly (readonly [string, readonly Outcome[], readonly number[], number | string])[]) {
  test(`after ${name}: asked at ${askedAt.join(", ")} s`, async () => {
    assert.deepEqual(await run(outcomes), { askedAt, end });
  });
}

test("who gives up does not wait any longer", async () => {
  const clock = fakeClock();
  const stop = new AbortController();
  const answer = { status: 503, headers: {}, body: Buffer.of() };
  const transport = withRetries({ send: async () => answer, close() {} }, clock);
  const asked = transport.send({ method: "HEAD", url: "https://r.example/v2/", signal: stop.signal });
  await clock.advance(500);
  stop.abort(new Error("no answer within 10s"));
  await assert.rejects(asked, { message: "no answer within 10s" });
  assert.equal(clock.pendingTimers(), 0);
});
