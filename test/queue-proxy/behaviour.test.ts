import { after, before, describe, test } from "node:test";
import { openSuite } from "./case.ts";
import { inProcess } from "./subject.ts";
import { suites } from "./suites.ts";

describe("queue-proxy behaviour, node:net", { concurrency: true }, () => {
  for (const suite of suites) {
    describe(suite.name, { concurrency: 1 }, () => {
      let opened: Awaited<ReturnType<typeof openSuite>>;
      before(async () => {
        opened = await openSuite(suite, inProcess());
      });
      after(() => opened.close());
      for (const one of suite.cases) test(one.name, () => opened.run(one));
    });
  }
});
