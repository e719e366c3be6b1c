import assert from "node:assert/strict";
import { once } from "node:events";
import { readdirSync } from "node:fs";
import { describe, test } from "node:test";
import { runtimes, spawned } from "./subject.ts";
import { get, RawBackend, RawClient } from "./wire.ts";

const openFiles = 128;

for (const { name, path } of runtimes()) {
  describe(`queue-proxy without descriptors, ${name}`, () => {
    test("more clients than there are descriptors for: it lives, and serves again when they have left", async () => {
      const backend = new RawBackend();
      const subject = await spawned(path, { openFiles })({}, await backend.listen());
      const clients: RawClient[] = [];
      try {
        for (let count = 0; count < 2 * openFiles; count++) {
          const client = new RawClient(subject.ports.main);
          clients.push(client);
          client.send(get());
          // The kernel accepts for the proxy; later ones may be refused, which is an outcome too.
          await Promise.race([once(client.socket, "connect"), once(client.socket, "close")]);
        }
        await backend.until(() => readdirSync(`/proc/${subject.pid}/fd`).length > openFiles - 10);
        for (const client of clients) client.destroy();
        const deadlineMs = performance.now() + 30_000;
        for (;;) {
          const client = new RawClient(subject.ports.main);
          clients.push(client);
          client.send(get("/afterwards"));
          const answer = await client.message().catch(() => undefined);
          if (answer && / 200 /.test(answer.startLine)) {
            assert.equal(answer.body, "ok");
            break;
          }
          assert.ok(performance.now() < deadlineMs, "serves again");
        }
      } finally {
        for (const client of clients) client.destroy();
        await subject.stop();
        await backend.close();
      }
    });
  });
}
