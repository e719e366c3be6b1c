import assert from "node:assert/strict";
import { test } from "node:test";
import { setImmediate } from "node:timers/promises";
import { fakeClock } from "../testing/fake-clock.ts";
import { startProfilingServer } from "./profiling-server.ts";

test("profiles are served while that is enabled, and only then", async (context) => {
  let enabled = false;
  const clock = fakeClock();
  const server = await startProfilingServer({ host: "127.0.0.1", port: 0 }, () => enabled, clock);
  context.after(() => server.stop());
  const get = async (path: string) => {
    const response = await fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { connection: "close" } });
    return { status: response.status, body: await response.text() };
  };
  assert.equal((await get("/debug/pprof/heap")).status, 404);
  assert.match((await get("/debug/pprof/")).body, /profiling.enable in config-observability/);

  enabled = true;
  assert.equal((await get("/debug/pprof/")).body, "heap\nprofile\n");
  assert.ok(JSON.parse((await get("/debug/pprof/heap")).body).heapUsed > 0);
  assert.equal((await get("/debug/pprof/goroutine")).status, 404);

  const profile = get("/debug/pprof/profile?seconds=5");
  while (clock.pendingTimers() === 0) await setImmediate();
  await clock.advance(5_000);
  const { status, body } = await profile;
  assert.equal(status, 200);
  assert.ok(JSON.parse(body).nodes.length > 0);
});
