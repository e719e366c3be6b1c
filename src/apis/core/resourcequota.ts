import { defineKind, type ObjectOf } from "../kind.ts";
import { atomic, atomicList, described, list, maybeEmpty, object, string, strings } from "../schema.ts";
import { resourceListSchema } from "./container.ts";

/** How much the objects of a namespace may use together. */
export const ResourceQuota = defineKind({
  group: "",
  version: "v1",
  kind: "ResourceQuota",
  plural: "resourcequotas",
  shortNames: ["quota"],
  description: "How much the objects of a namespace may use together.",
  subresources: { status: true },
  properties: {
    spec: object("What is allowed.", {
      hard: described(
        "The most of each resource, such as pods, requests.cpu or count/deployments.apps.",
        resourceListSchema,
      ),
      scopes: strings("Which pods count, such as BestEffort; all unless told.", atomicList),
      scopeSelector: object(
        "Which pods count, by scopes that take values.",
        {
          matchExpressions: list(
            "All must hold.",
            object(
              "One condition.",
              {
                scopeName: string("The scope, such as PriorityClass.", maybeEmpty),
                operator: string("In, NotIn, Exists or DoesNotExist.", maybeEmpty),
                values: strings("The values of In and NotIn.", atomicList),
              },
              { required: ["scopeName", "operator"] },
            ),
            atomicList,
          ),
        },
        atomic,
      ),
    }),
    status: object("What is used.", {
      hard: described("What the usage is measured against.", resourceListSchema),
      used: described("What is used of each resource.", resourceListSchema),
    }),
  },
});
export type ResourceQuota = ObjectOf<typeof ResourceQuota>;
