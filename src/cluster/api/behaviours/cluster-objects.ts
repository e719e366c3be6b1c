import { dnsLabel } from "../names.ts";
import type { Behaviour, Item } from "../resource.ts";
import { type FieldError, invalidValue, notSupported, required } from "../status-errors.ts";
import { mapOf, mapsIn, textOf } from "../typed-values.ts";

export const namespace: Behaviour = {
  nameRule: dnsLabel,
  fields: { "status.phase": ({ status }) => textOf(status?.["phase"]) },
  setDefaults(item) {
    if (item.metadata.name)
      item.metadata.labels = { ...item.metadata.labels, "kubernetes.io/metadata.name": item.metadata.name };
  },
  prepareCreate(item) {
    item.spec = { ...item.spec, finalizers: ["kubernetes"] };
    item.status = { phase: "Active" };
  },
  prepareUpdate(item, stored) {
    // Only the finalize subresource changes them.
    item.spec = { ...item.spec, ...(stored.spec?.["finalizers"] ? { finalizers: stored.spec["finalizers"] } : {}) };
    item.status = { ...stored.status };
  },
};

export const node: Behaviour = {
  fields: { "spec.unschedulable": ({ spec }) => textOf(spec?.["unschedulable"] === true) },
};

export const event: Behaviour = {
  createsOnUpdate: true,
  fields: {
    ...Object.fromEntries(
      ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map((name) => [
        `involvedObject.${name}`,
        (item: Item) => textOf(mapOf(item["involvedObject"])[name]),
      ]),
    ),
    reason: (item) => textOf(item["reason"]),
    type: (item) => textOf(item["type"]),
    reportingComponent: (item) => textOf(item["reportingComponent"]),
    source: (item) => textOf(mapOf(item["source"])["component"] ?? item["reportingComponent"]),
  },
  prepareCreate(item) {
    item["source"] ??= {};
    item["firstTimestamp"] ??= null;
    item["lastTimestamp"] ??= null;
    item["eventTime"] ??= null;
    item["reportingComponent"] ??= "";
    item["reportingInstance"] ??= "";
  },
  validate(item) {
    const involved = textOf(mapOf(item["involvedObject"])["namespace"]);
    const { namespace = "" } = item.metadata;
    const fits = involved === namespace || (involved === "" && namespace === "default");
    return fits ? [] : [invalidValue("involvedObject.namespace", involved, "does not match event.namespace")];
  },
};

export const lease: Behaviour = {
  createsOnUpdate: true,
  needsRevision: true,
  validate({ spec = {} }) {
    const errors: FieldError[] = [];
    const { leaseDurationSeconds: duration, leaseTransitions: transitions } = spec;
    if (typeof duration === "number" && duration <= 0)
      errors.push(invalidValue("spec.leaseDurationSeconds", duration, "must be greater than 0"));
    if (typeof transitions === "number" && transitions < 0) {
      errors.push(invalidValue("spec.leaseTransitions", transitions, "must be greater than or equal to 0"));
    }
    return errors;
  },
};

export const podDisruptionBudget: Behaviour = {
  countsGenerations: true,
  needsRevision: true,
  emptyStatus: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 },
  validate({ spec = {} }) {
    const errors: FieldError[] = [];
    const policy = spec["unhealthyPodEvictionPolicy"];
    if (spec["minAvailable"] !== undefined && spec["maxUnavailable"] !== undefined) {
      const both = {
        MinAvailable: spec["minAvailable"],
        Selector: spec["selector"] ?? null,
        MaxUnavailable: spec["maxUnavailable"],
        UnhealthyPodEvictionPolicy: policy ?? null,
      };
      errors.push(invalidValue("spec", both, "minAvailable and maxUnavailable cannot be both set"));
    }
    const policies = ["IfHealthyBudget", "AlwaysAllow"];
    if (policy !== undefined && !policies.includes(textOf(policy))) {
      errors.push(notSupported("spec.unhealthyPodEvictionPolicy", policy, policies));
    }
    return errors;
  },
  validateStatus({ status = {} }) {
    return ["disruptionsAllowed", "currentHealthy", "desiredHealthy", "expectedPods"]
      .filter((field) => Number(status[field]) < 0)
      .map((field) => invalidValue(`status.${field}`, status[field], "must be greater than or equal to 0"));
  },
};

export const horizontalPodAutoscaler: Behaviour = {
  emptyStatus: { currentMetrics: null, desiredReplicas: 0 },
  setDefaults(item) {
    item.spec ??= {};
    const { spec } = item;
    spec["minReplicas"] ??= 1;
    if (mapsIn(spec["metrics"]).length === 0) {
      spec["metrics"] = [
        { type: "Resource", resource: { name: "cpu", target: { type: "Utilization", averageUtilization: 80 } } },
      ];
    }
  },
  validate({ spec = {} }) {
    const errors: FieldError[] = [];
    const target = mapOf(spec["scaleTargetRef"]);
    const targetErrors: FieldError[] = [];
    if (!target["kind"]) targetErrors.push(required("spec.scaleTargetRef.kind"));
    if (!target["name"]) targetErrors.push(required("spec.scaleTargetRef.name"));
    const [min, max] = [Number(spec["minReplicas"] ?? 1), Number(spec["maxReplicas"] ?? 0)];
    if (min < 1) errors.push(invalidValue("spec.minReplicas", min, "must be greater than or equal to 1"));
    if (max < 1) errors.push(invalidValue("spec.maxReplicas", max, "must be greater than 0"));
    if (max < min) errors.push(invalidValue("spec.maxReplicas", max, "must be greater than or equal to `minReplicas`"));
    if (!target["apiVersion"] && target["kind"]) {
      targetErrors.push(invalidValue("spec.scaleTargetRef.apiVersion", "", "apiVersion must specify API group"));
    }
    return [...errors, ...targetErrors];
  },
};
