import { after, before, describe, test } from "node:test";
import { openSuite } from "./case.ts";
import { adapters } from "./subject.ts";
import { suites } from "./suites.ts";

for (const adapter of adapters()) {
  describe(`queue-proxy behaviour, ${adapter.name}`, { concurrency: 8 }, () => {
    for (const suite of suites) {
      describe(suite.name, { concurrency: 1 }, () => {
        let opened: Awaited<ReturnType<typeof openSuite>>;
        before(async () => {
          opened = await openSuite(suite, adapter.start);
        });
        after(() => opened.close());
        for (const one of suite.cases) test(one.name, () => opened.run(one));
      });
    }
  });
}
