import { labelSelectorSchema } from "../meta.ts";
import {
  atomic,
  atomicList,
  described,
  int32,
  int64,
  list,
  maybeEmpty,
  object,
  string,
  strings,
  words,
} from "../schema.ts";

const requirements = (description: string) =>
  list(
    description,
    object(
      "A condition on one label or field.",
      {
        key: string("Its name."),
        operator: string("In, NotIn, Exists, DoesNotExist, Gt or Lt."),
        values: strings("What it is compared with.", atomicList),
      },
      { required: ["key", "operator"] },
    ),
    atomicList,
  );

const nodeSelectorTermSchema = object(
  "Conditions on a node that must all hold.",
  { matchExpressions: requirements("Conditions on labels."), matchFields: requirements("Conditions on fields.") },
  atomic,
);

export const nodeSelectorSchema = object(
  "Nodes that meet one of these terms.",
  { nodeSelectorTerms: list("The terms.", nodeSelectorTermSchema, { ...atomicList, ...maybeEmpty }) },
  { required: ["nodeSelectorTerms"], ...atomic },
);

const podAffinityTermSchema = object(
  "Pods, and what counts as near them.",
  {
    labelSelector: described("Which pods.", labelSelectorSchema),
    namespaces: strings("Their namespaces; the pod's own unless told.", atomicList),
    topologyKey: string("Nodes with the same value of this label are one place."),
    namespaceSelector: described("Their namespaces, by label.", labelSelectorSchema),
    matchLabelKeys: strings("Labels of the pod that the others share.", atomicList),
    mismatchLabelKeys: strings("Labels of the pod that the others do not share.", atomicList),
  },
  { required: ["topologyKey"] },
);

const podAffinityFields = {
  requiredDuringSchedulingIgnoredDuringExecution: list(
    "What must hold when the pod is placed.",
    podAffinityTermSchema,
    atomicList,
  ),
  preferredDuringSchedulingIgnoredDuringExecution: list(
    "What should hold; the weights of those that do are added up.",
    object(
      "A wish and its weight.",
      { weight: int32("1 to 100.", "shown"), podAffinityTerm: podAffinityTermSchema },
      { required: ["weight", "podAffinityTerm"] },
    ),
    atomicList,
  ),
} as const;

export const affinitySchema = object("Where the pod may or should run.", {
  nodeAffinity: object("By the nodes' labels.", {
    requiredDuringSchedulingIgnoredDuringExecution: described(
      "What must hold when the pod is placed.",
      nodeSelectorSchema,
    ),
    preferredDuringSchedulingIgnoredDuringExecution: list(
      "What should hold; the weights of those that do are added up.",
      object(
        "A wish and its weight.",
        { weight: int32("1 to 100.", "shown"), preference: nodeSelectorTermSchema },
        { required: ["weight", "preference"] },
      ),
      atomicList,
    ),
  }),
  podAffinity: object("Near other pods.", podAffinityFields),
  podAntiAffinity: object("Away from other pods.", podAffinityFields),
});

export const tolerationSchema = object("A taint that does not keep the pod off a node.", {
  key: string("The taint's key; all unless told."),
  operator: string("Exists, or Equal (unless told)."),
  value: string("The taint's value, for Equal."),
  effect: string("NoSchedule, PreferNoSchedule or NoExecute; all unless told."),
  tolerationSeconds: int64("For NoExecute: how long the pod may stay; for ever unless told."),
});

export const topologySpreadConstraintSchema = object(
  "How pods are spread over places.",
  {
    maxSkew: int32("By how many pods two places may differ.", "shown"),
    topologyKey: string("Nodes with the same value of this label are one place."),
    whenUnsatisfiable: words("DoNotSchedule, or ScheduleAnyway.", ["DoNotSchedule", "ScheduleAnyway"]),
    labelSelector: described("The pods that are counted.", labelSelectorSchema),
    minDomains: int32("At least so many places."),
    nodeAffinityPolicy: string("Whether nodes that the pod's affinity leaves out count: Honor or Ignore.", maybeEmpty),
    nodeTaintsPolicy: string("Whether nodes that the pod does not tolerate count: Honor or Ignore.", maybeEmpty),
    matchLabelKeys: strings("Labels of the pod that the counted pods share.", atomicList),
  },
  { required: ["maxSkew", "topologyKey", "whenUnsatisfiable"] },
);
