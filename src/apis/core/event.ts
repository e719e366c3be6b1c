import { defineKind, type ObjectOf } from "../kind.ts";
import { described, int32, object, string, time, words } from "../schema.ts";
import { objectReferenceSchema } from "./references.ts";

/** Something that happened to an object, for people. */
export const Event = defineKind({
  group: "",
  version: "v1",
  kind: "Event",
  plural: "events",
  shortNames: ["ev"],
  description: "Something that happened to an object, for people.",
  properties: {
    involvedObject: described("The object.", objectReferenceSchema),
    reason: string("What happened, in one word."),
    message: string("What happened."),
    source: object("Who tells.", { component: string("The program."), host: string("The node.") }),
    firstTimestamp: time("When it happened first."),
    lastTimestamp: time("When it happened last."),
    count: int32("How often it happened."),
    type: words("Normal or Warning.", ["Normal", "Warning"]),
    eventTime: time("When it happened first, to the microsecond."),
    series: object("Repeats.", {
      count: int32("How often."),
      lastObservedTime: time("When last, to the microsecond."),
    }),
    action: string("What was done about it."),
    related: described("Another object that plays a part.", objectReferenceSchema),
    reportingComponent: string("The program that tells."),
    reportingInstance: string("Which instance of it."),
  },
});
export type Event = ObjectOf<typeof Event>;
