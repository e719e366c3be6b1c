import assert from "node:assert/strict";
import { test } from "node:test";
import type { ConditionStatus } from "../apis/conditions.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { markActive, podAutoscalerConditions } from "./status.ts";

interface Row {
  readonly want: number;
  readonly ready: number;
  readonly threshold: number;
  readonly before: ConditionStatus;
  /** Status and reason. */
  readonly after: string;
  readonly addressable?: boolean;
  readonly initialized?: boolean;
}

const inactive = "False NoTraffic: The target is not receiving traffic.";
const activating = "Unknown Queued: Requests to the target are being buffered as resources are provisioned.";
const timedOut = "False TimedOut: The target could not be activated.";

/** Upstream's table of the condition Active, and its borders. */
const rows: Row[] = [
  { want: 0, ready: 0, threshold: 1, before: "True", after: inactive },
  { want: 0, ready: 3, threshold: 1, before: "False", after: inactive, initialized: true },
  { want: 0, ready: 0, threshold: 1, before: "Unknown", after: timedOut },
  { want: 0, ready: 0, threshold: 0, before: "Unknown", after: inactive, initialized: true },
  { want: 2, ready: 1, threshold: 2, before: "True", after: activating },
  { want: 2, ready: 1, threshold: 2, before: "False", after: activating },
  { want: 2, ready: 2, threshold: 2, before: "Unknown", after: "True", initialized: true },
  { want: 2, ready: 2, threshold: 2, before: "Unknown", after: "True", addressable: false, initialized: false },
  { want: 1, ready: 1, threshold: 1, before: "False", after: "True", initialized: true },
  { want: -1, ready: 0, threshold: 1, before: "False", after: inactive },
  { want: -1, ready: 0, threshold: 1, before: "Unknown", after: activating },
  { want: -1, ready: 0, threshold: 1, before: "True", after: activating },
  { want: -1, ready: 1, threshold: 1, before: "False", after: "False Before: before", initialized: true },
  { want: -1, ready: 1, threshold: 0, before: "Unknown", after: inactive, initialized: true },
  { want: -1, ready: 1, threshold: 1, before: "Unknown", after: "True", initialized: true },
  { want: -1, ready: 1, threshold: 1, before: "True", after: "True", initialized: true },
];

for (const { want, ready, threshold, before, after, addressable = true, initialized = false } of rows) {
  test(`Active ${before}, ${ready} of ${threshold} pods ready, ${want} wanted: ${after.split(":")[0]}`, () => {
    const draft = podAutoscalerConditions.draft(
      [{ type: "Active", status: before, reason: "Before", message: "before" }],
      fakeClock(),
    );
    draft.initialize();
    markActive(draft, { want, ready }, threshold, addressable);
    const active = draft.get("Active");
    assert.equal(active?.reason ? `${active.status} ${active.reason}: ${active.message}` : active?.status, after);
    assert.equal(draft.get("ScaleTargetInitialized")?.status === "True", initialized);
  });
}
