import assert from "node:assert/strict";
import type { Condition } from "../apis/conditions.ts";
import type { KubeObject } from "../apis/meta.ts";
import { linesOf } from "./serving-objects.ts";
import type { Report } from "./table.ts";

/** What a table's row says that one pass does. */
export interface Expected {
  /** "verb resource", in their order. */
  readonly writes: readonly string[];
  /** As `linesOf` shows them. */
  readonly conditions: readonly string[];
  /** None unless told. */
  readonly events?: readonly string[];
  /** None unless told. */
  readonly error?: RegExp;
}

type Judged = KubeObject & { readonly status?: { readonly conditions?: readonly Condition[] } };

/** Throws unless a pass did what its row says, and nothing else. */
export function assertReport(report: Report<Judged>, { writes, conditions, events = [], error }: Expected): void {
  assert.deepEqual(
    report.actions.map(({ verb, resource }) => `${verb} ${resource}`),
    writes,
  );
  const status: Judged["status"] = report.outcome?.status;
  assert.deepEqual(linesOf(status?.conditions), conditions);
  assert.deepEqual(report.events, events);
  if (error) assert.match(String(report.error), error);
  else assert.equal(report.error, undefined);
}
