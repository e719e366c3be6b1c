import assert from "node:assert/strict";
import { test } from "node:test";
import { fakeClock } from "../testing/fake-clock.ts";
import { testConfiguration } from "../testing/serving-objects.ts";
import { conditionSet } from "./conditions.ts";
import { draftConditions, waitUnderWay } from "./observed.ts";

const set = conditionSet("Ready");
type Status = "True" | "False" | "Unknown";

/** How long the status may wait where readiness was and is so; undefined was never judged. */
function waitOf(before: Status | undefined, now: Status, options: { isPart?: boolean; isNewGeneration?: boolean }) {
  const { isPart = false, isNewGeneration = false } = options;
  const configuration = testConfiguration({
    metadata: { generation: isNewGeneration ? 2 : 1 },
    status: before ? { observedGeneration: 1, conditions: [{ type: "Ready", status: before }] } : {},
  });
  const conditions = draftConditions(configuration, set, fakeClock());
  if (now === "True") conditions.markTrue("Ready");
  else if (now === "False") conditions.markFalse("Ready", "Failed", "it failed");
  else conditions.markUnknown("Ready", "Deploying");
  return waitUnderWay(configuration, conditions, set, { isPart }).statusMayWaitMs;
}

for (const [name, before, now, options, waitMs] of [
  ["what was never judged may wait", undefined, "Unknown", {}, 3000],
  ["what is under way still may wait", "Unknown", "Unknown", {}, 3000],
  ["readiness is told at once", "Unknown", "True", {}, undefined],
  ["failure is told at once", "Unknown", "False", {}, undefined],
  ["failure of a part is told at once", "True", "False", { isPart: true }, undefined],
  ["lost readiness is told at once", "True", "Unknown", {}, undefined],
  ["a part may count as ready a moment longer", "True", "Unknown", { isPart: true }, 3000],
  ["that a failure is over is told at once", "False", "Unknown", { isPart: true }, undefined],
  ["a new generation is told of at once", "Unknown", "Unknown", { isNewGeneration: true }, undefined],
  ["a part's new generation may wait", "True", "Unknown", { isPart: true, isNewGeneration: true }, 3000],
] as const) {
  test(name, () => assert.equal(waitOf(before, now, options), waitMs));
}
