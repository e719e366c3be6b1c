import { defineKind, type ObjectOf } from "../kind.ts";
import { list, mergedBy, object, string, strings, time, words } from "../schema.ts";

/** A room for names: objects of one namespace are deleted with it. */
export const Namespace = defineKind({
  group: "",
  version: "v1",
  kind: "Namespace",
  plural: "namespaces",
  namespaced: false,
  shortNames: ["ns"],
  description: "A room for names: its objects are deleted with it.",
  subresources: { status: true },
  properties: {
    spec: object("What is asked for.", { finalizers: strings("Who still has to act before it goes away.") }),
    status: object("What is known of the namespace.", {
      phase: words("Active or Terminating.", ["Active", "Terminating"]),
      conditions: list(
        "What holds its deletion up.",
        object(
          "One aspect.",
          {
            type: string("The aspect."),
            status: words("True, False or Unknown.", ["True", "False", "Unknown"]),
            lastTransitionTime: time("When it last changed."),
            reason: string("One word for the last change."),
            message: string("Details of the last change."),
          },
          { required: ["type", "status"] },
        ),
        mergedBy("type"),
      ),
    }),
  },
});
export type Namespace = ObjectOf<typeof Namespace>;
