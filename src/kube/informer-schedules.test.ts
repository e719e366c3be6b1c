import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { KubeObject } from "../apis/meta.ts";
import { systemClock } from "../lib/clock.ts";
import { summarize, type WatchEnd } from "../testing/hostile-server.ts";
import { agreement, setUpInformer, type Thing, withThree } from "../testing/informer-setup.ts";
import type { Change } from "./api.ts";

const step = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      do: fc.constant("put" as const),
      name: fc.constantFrom("a", "b", "c", "d"),
      isOurs: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant("remove" as const), name: fc.constantFrom("a", "b", "c", "d") }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      how: fc.constantFrom<WatchEnd>("end", "reset", "midEvent", "garbage", "silence"),
    }),
  },
  fc.record({ do: fc.constantFrom("compact" as const, "bookmark" as const, "restart" as const, "repeat" as const) }),
  { weight: 3, arbitrary: fc.record({ do: fc.constant("learn" as const), which: fc.nat() }) },
  fc.record({ do: fc.constant("pause" as const) }),
  fc.record({ do: fc.constant("agree" as const) }),
);

test("after any schedule of changes, of answers to our own in any order, and of failures cache and handlers agree with the server", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(step, { maxLength: 30, size: "max" }),
      fc.boolean(),
      async (steps, areVersionsNumbers) => {
        const setup = await setUpInformer(systemClock, withThree, {
          inactivityMs: 25,
          timeoutMs: 200,
          areVersionsNumbers,
        });
        const { server, things } = setup;
        const told = new Map<string, string>();
        const misfits: string[] = [];
        things.onChange((change: Change<Thing>) => {
          const name = change.object.metadata.name;
          // What handlers are told must fit together: nothing is added twice, or changed while unknown.
          const renamed = change.type === "updated" && change.old.metadata.uid !== change.object.metadata.uid;
          if (renamed || told.has(name) === (change.type === "added")) misfits.push(`${change.type} ${name}`);
          const past = told.get(name);
          if (areVersionsNumbers && past && Number(past) > Number(change.object.metadata.resourceVersion)) {
            misfits.push(`${change.type} ${name} again as it was before`);
          }
          if (change.type === "deleted") told.delete(name);
          else told.set(name, change.object.metadata.resourceVersion!);
        });
        try {
          let data = 0;
          const answers: KubeObject[] = [];
          for (const taken of steps) {
            if (taken.do === "put") {
              const answer = server.put(taken.name, String(data++));
              if (taken.isOurs) answers.push(answer);
            } else if (taken.do === "learn") {
              const [answer] = answers.splice(taken.which % (answers.length + 1), 1);
              if (answer) setup.learn(answer);
            } else if (taken.do === "remove") server.remove(taken.name);
            else if (taken.do === "break") server.breakWatches(taken.how);
            else if (taken.do === "restart") {
              await server.stop();
              await server.start();
            } else if (taken.do === "repeat") server.repeat(3);
            else if (taken.do === "agree") await agreement(setup);
            else if (taken.do === "pause") await new Promise((resolve) => setImmediate(resolve));
            else server[taken.do]();
          }
          for (const answer of answers.splice(answers.length / 2)) setup.learn(answer);
          server.put("last", "1");
          await agreement(setup);
          for (const answer of answers) setup.learn(answer);
          assert.deepEqual(misfits, []);
          assert.deepEqual(summarize(things.list()), summarize(server.objects()));
          assert.deepEqual(
            [...told.keys()].sort(),
            server
              .objects()
              .map(({ metadata }) => metadata.name)
              .sort(),
          );
        } finally {
          await setup.stop();
        }
      },
    ),
    { numRuns: 40 },
  );
});
