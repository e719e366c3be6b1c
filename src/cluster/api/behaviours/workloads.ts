import type { LabelSelector } from "../../../apis/meta.ts";
import type { Behaviour, Item } from "../resource.ts";
import { matchesSelector } from "../selectors.ts";
import { type FieldError, forbiddenField, invalidValue, required } from "../status-errors.ts";
import { type Fields, isDeepEqual, isMap, mapAt, mapOf } from "../typed-values.ts";
import { setPodSpecDefaults, validatePodTemplate } from "./pod-spec.ts";

function templateOf(item: Item): Fields {
  item.spec ??= {};
  const template = mapAt(item.spec, "template");
  template["metadata"] ??= {};
  template["spec"] ??= {};
  return template;
}

function setTemplateDefaults(item: Item): void {
  setPodSpecDefaults(templateOf(item)["spec"] as Fields);
}

function validateWorkload(item: Item, stored: Item | undefined): FieldError[] {
  const spec = mapOf(item.spec);
  const errors: FieldError[] = [];
  const replicas = spec["replicas"];
  if (typeof replicas === "number" && replicas < 0)
    errors.push(invalidValue("spec.replicas", replicas, "must be greater than or equal to 0"));
  const template = mapOf(spec["template"]);
  const labels = mapOf(mapOf(template["metadata"])["labels"]) as Record<string, string>;
  const selector = spec["selector"];
  const unmatched = invalidValue(
    "spec.template.metadata.labels",
    Object.keys(labels).length > 0 ? labels : null,
    "`selector` does not match template `labels`",
  );
  if (!isMap(selector)) errors.push(required("spec.selector"), unmatched);
  else if (
    Object.keys(mapOf(selector["matchLabels"])).length +
      ((selector["matchExpressions"] as unknown[] | undefined)?.length ?? 0) ===
    0
  ) {
    errors.push(invalidValue("spec.selector", selector, `empty selector is invalid for ${item.kind.toLowerCase()}`));
  } else if (!matchesSelector(selector as LabelSelector, labels)) {
    errors.push(unmatched);
  }
  errors.push(...validatePodTemplate(template, "spec.template"));
  const policy = mapOf(template["spec"])["restartPolicy"];
  if (policy === "OnFailure" || policy === "Never") {
    errors.push({
      field: "spec.template.spec.restartPolicy",
      reason: "FieldValueNotSupported",
      text: `Unsupported value: ${JSON.stringify(policy)}: supported values: "Always"`,
    });
  }
  if (stored && !isDeepEqual(stored.spec?.["selector"], selector)) {
    errors.push(invalidValue("spec.selector", selector, "field is immutable"));
  }
  return errors;
}

/** Source: k8s.io/kubernetes pkg/apis/apps/v1/defaults.go and pkg/apis/apps/validation. */
export const deployment: Behaviour = {
  countsGenerations: true,
  setDefaults(item) {
    setTemplateDefaults(item);
    const spec = item.spec!;
    spec["replicas"] ??= 1;
    const strategy = mapAt(spec, "strategy");
    strategy["type"] ??= "RollingUpdate";
    if (strategy["type"] === "RollingUpdate") {
      const rolling = mapAt(strategy, "rollingUpdate");
      rolling["maxUnavailable"] ??= "25%";
      rolling["maxSurge"] ??= "25%";
    }
    spec["revisionHistoryLimit"] ??= 10;
    spec["progressDeadlineSeconds"] ??= 600;
  },
  validate(item, stored) {
    const errors = validateWorkload(item, stored);
    const strategy = mapOf(item.spec?.["strategy"]);
    if (strategy["type"] === "Recreate" && strategy["rollingUpdate"] !== undefined) {
      errors.push(
        forbiddenField("spec.strategy.rollingUpdate", "may not be specified when strategy `type` is 'Recreate'"),
      );
    }
    if (strategy["type"] !== "Recreate" && strategy["type"] !== "RollingUpdate") {
      const shown = JSON.stringify({ Type: strategy["type"], RollingUpdate: strategy["rollingUpdate"] ?? null });
      const text = `Unsupported value: ${shown}: supported values: "Recreate", "RollingUpdate"`;
      errors.push({ field: "spec.strategy", reason: "FieldValueNotSupported", text });
    }
    const rolling = mapOf(strategy["rollingUpdate"]);
    const isZero = (value: unknown) => value === 0 || value === "0%" || value === "0";
    if (strategy["rollingUpdate"] !== undefined && isZero(rolling["maxUnavailable"]) && isZero(rolling["maxSurge"])) {
      errors.push(
        invalidValue(
          "spec.strategy.rollingUpdate.maxUnavailable",
          rolling["maxUnavailable"],
          "may not be 0 when `maxSurge` is 0",
        ),
      );
    }
    const { progressDeadlineSeconds: deadline, minReadySeconds: ready = 0 } = item.spec ?? {};
    if (typeof deadline === "number" && typeof ready === "number" && deadline <= ready) {
      errors.push(invalidValue("spec.progressDeadlineSeconds", deadline, "must be greater than minReadySeconds"));
    }
    return errors;
  },
};

export const replicaSet: Behaviour = {
  countsGenerations: true,
  emptyStatus: { replicas: 0 },
  fields: { "status.replicas": ({ status }) => String(status?.["replicas"] ?? 0) },
  setDefaults(item) {
    setTemplateDefaults(item);
    item.spec!["replicas"] ??= 1;
  },
  validate: validateWorkload,
};

const statefulSetMutable =
  "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

export const statefulSet: Behaviour = {
  countsGenerations: true,
  emptyStatus: { availableReplicas: 0, replicas: 0 },
  setDefaults(item) {
    setTemplateDefaults(item);
    const spec = item.spec!;
    spec["podManagementPolicy"] ??= "OrderedReady";
    const strategy = mapAt(spec, "updateStrategy");
    strategy["type"] ??= "RollingUpdate";
    if (strategy["type"] === "RollingUpdate") {
      const rolling = mapAt(strategy, "rollingUpdate");
      rolling["partition"] ??= 0;
    }
    spec["persistentVolumeClaimRetentionPolicy"] ??= { whenDeleted: "Retain", whenScaled: "Retain" };
    spec["replicas"] ??= 1;
    spec["revisionHistoryLimit"] ??= 10;
    spec["serviceName"] ??= "";
    for (const claim of (spec["volumeClaimTemplates"] as Fields[] | undefined) ?? []) {
      claim["apiVersion"] ??= "v1";
      claim["kind"] ??= "PersistentVolumeClaim";
      claim["status"] ??= { phase: "Pending" };
      mapOf(claim["spec"])["volumeMode"] ??= "Filesystem";
    }
  },
  validate(item, stored) {
    const errors = validateWorkload(item, undefined);
    if (!stored) return errors;
    const fixed = (spec: Fields | undefined) => {
      const mutable = [
        "replicas",
        "ordinals",
        "template",
        "updateStrategy",
        "revisionHistoryLimit",
        "persistentVolumeClaimRetentionPolicy",
        "minReadySeconds",
      ];
      return Object.fromEntries(Object.entries(spec ?? {}).filter(([name]) => !mutable.includes(name)));
    };
    if (!isDeepEqual(fixed(item.spec), fixed(stored.spec))) errors.push(forbiddenField("spec", statefulSetMutable));
    return errors;
  },
};
