import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { type Access, type Answer, runCase, send } from "./contract.ts";
import { cases, setUp } from "./contract-cases/index.ts";
import { type ScratchServer, startScratchServer } from "./scratch-server.ts";

/** Where ours answers otherwise, and why: "case #step". Everything else must be the same. */
const differences: Readonly<Record<string, string>> = {
  "bad bodies, names and paths are refused in the same words #22":
    "the selector parser tells less about where it stopped",
  "bad bodies, names and paths are refused in the same words #26": "the token is not parsed by Go",
  "unknown fields are refused, warned of or dropped #2":
    "the message quotes the object with its fields in another order",
  "protobuf is read #3": "a kind that is unknown is told apart from one of another resource",
  "containers, probes and volumes get their defaults #0":
    "a volume's ConfigMap is owned as a whole, as in Knative's CRDs",
  "Services get addresses and defaults #5":
    "internalTrafficPolicy is dropped, not only hidden, when a Service becomes external",
  "Services get addresses and defaults #14": "as above",
  "pods are created pending, mostly immutable, and end gracefully once a node has them #2":
    "the message does not end in a difference of Go structs",
  "finalizers and propagation policies hold deleted objects #2": "the cause is told once, not twice",
  "server-side apply joins keyed lists #3": "a counter that is written as 0 is kept",
  "server-side apply keeps what kubectl applied last #2": "the note has its fields in another order",
  "custom resources are defaulted, pruned and validated #4":
    "the scale path of an object that is none is not reported beside it",
  "definitions that make no sense are refused #2": "the conditions are owned by nobody",
  "reviews and tokens are answered #0": "a review, which is not stored, has no managed fields",
  "reviews and tokens are answered #1": "as above",
  "reviews and tokens are answered #2": "as above",
  "tables have the columns and cells that kubectl prints #6":
    "absent states and times of containers are not spelled out",
  "tables have the columns and cells that kubectl prints #8": "as above",
  "tables have the columns and cells that kubectl prints #11": "as above",
  "tables have the columns and cells that kubectl prints #13": "as above",
  "tables have the columns and cells that kubectl prints #22": "the conditions are owned by nobody",
  "tables have the columns and cells that kubectl prints #30": "the representations do not include YAML and protobuf",
  "quotas limit what pods take #3": "the server's own status is owned by nobody",
  "quotas limit what pods take #17": "as above",
  "quotas limit numbers of objects #1": "as above",
  "quotas limit numbers of objects #13": "as above",
  "quotas may be about some pods only #1": "as above",
  "quotas may be about some pods only #5": "as above",
  "quotas may be about some pods only #7": "as above",
  "quotas may be about some pods only #11": "as above",
  "quotas may be about some pods only #13": "as above",
  "quotas may be about some pods only #15": "as above",
  "quotas may be about some pods only #17": "as above",
  "quotas may be about some pods only #20": "as above",
  "quotas may be about some pods only #22": "as above",
  "quotas may be about some pods only #25": "as above",
  "quotas limit what pods take #2": "what is used is known at once, not when a controller has counted",
  "quotas limit numbers of objects #0": "as above",
  "quotas may be about some pods only #0": "as above",
  "quotas may be about some pods only #6": "as above",
  "quotas may be about some pods only #12": "as above",
  "quotas may be about some pods only #16": "as above",
  "quotas may be about some pods only #21": "as above",
};

const golden = JSON.parse(readFileSync(new URL("../golden/api-contract.json", import.meta.url), "utf8")) as Record<
  string,
  Answer[]
>;

describe("the API server answers as the real one did", () => {
  let scratch: ScratchServer;
  let access: Access;

  before(async () => {
    scratch = await startScratchServer();
    access = scratch.access;
    for (const step of setUp) assert.ok((await send(access, step)).code < 300, step[1]);
  });

  after(async () => {
    await scratch.close();
  });

  for (const contractCase of cases) {
    test(contractCase.name, async () => {
      const answers = await runCase(access, contractCase);
      const expected = golden[contractCase.name];
      assert.ok(expected, "the case is not in the golden file: record it with record-contract.ts");
      assert.equal(answers.length, expected.length);
      for (const [index, answer] of answers.entries()) {
        if (differences[`${contractCase.name} #${index}`] === undefined)
          assert.deepEqual(answer, expected[index], answer.step);
        else assert.notDeepEqual(answer, expected[index], `${answer.step} no longer differs: take it off the list`);
      }
    });
  }
});
