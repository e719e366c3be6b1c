/**
 * Differential fuzzing against another program: `node test/queue-proxy/fuzz-upstream.ts SECONDS SEED COMMAND...`. The same
 * mutated bytes go to ours and to the program, and what their containers saw is compared: where both passed requests on,
 * methods and bodies must be the same. Exit status 1: they were not.
 */
import { systemClock } from "../../src/lib/clock.ts";
import { createMutator } from "./mutate.ts";
import { inProcess, program, type StartSubject } from "./subject.ts";
import { RawBackend, RawClient } from "./wire.ts";

const [seconds = "10", seed = "1", ...command] = process.argv.slice(2);
const quietMs = 12;

async function open(start: StartSubject) {
  const backend = new RawBackend();
  const subject = await start({}, await backend.listen());
  return {
    /** What the container saw of these bytes. */
    async see(text: string): Promise<readonly string[]> {
      backend.reset();
      const client = new RawClient(subject.ports.main);
      client.send(text);
      for (let before = ""; !client.ended; ) {
        await systemClock.sleep(quietMs);
        const now = `${client.received.length} ${backend.requests.length}`;
        if (now === before) break;
        before = now;
      }
      client.destroy();
      // Requests that were begun and cut off never become complete for the container.
      return backend.requests.map(({ startLine, body }) => `${startLine.split(" ")[0]} ${body}`);
    },
    async close() {
      await subject.stop();
      await backend.close();
    },
  };
}

const ours = await open(inProcess());
const theirs = await open(program(command));
const next = createMutator(Number(seed));
const endMs = systemClock.monotonic() + 1000 * Number(seconds);
let inputs = 0;
let passed = 0;
let disagreements = 0;
while (systemClock.monotonic() < endMs) {
  const text = next();
  // Upstream holds an expected body back for a second: it would be taken for a part of a later input.
  if (/expect/i.test(text)) continue;
  inputs++;
  const [a, b] = await Promise.all([ours.see(text), theirs.see(text)]);
  passed += a.length;
  const common = Math.min(a.length, b.length);
  if (a.slice(0, common).join("\0") === b.slice(0, common).join("\0")) continue;
  disagreements++;
  console.log(JSON.stringify({ text, ours: a, theirs: b }));
}
console.log(`${inputs} inputs (seed ${seed}), ours passed ${passed} requests on, ${disagreements} disagreements`);
await ours.close();
await theirs.close();
process.exit(disagreements > 0 ? 1 : 0);
