import { after, before, describe, test } from "node:test";
import { adapters } from "./subject.ts";
import { groups } from "./suites.ts";

for (const adapter of adapters()) {
  describe(`queue-proxy behaviour, ${adapter.name}`, { concurrency: 8 }, () => {
    for (const group of groups) {
      describe(group.name, { concurrency: 1 }, () => {
        let opened: Awaited<ReturnType<typeof group.open>>;
        before(async () => {
          opened = await group.open(adapter.start);
        });
        after(() => opened.close());
        for (const one of group.cases) test(one.name, () => opened.run(one));
      });
    }
  });
}
