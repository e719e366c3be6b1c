import { rbacGroup } from "../../../apis/core/rbac.ts";
import { dnsLabel, dnsSubdomain, pathSegment } from "../names.ts";
import type { Behaviour, Item } from "../resource.ts";
import { type FieldError, invalidValue, notSupported, required } from "../status-errors.ts";
import { type Fields, isDeepEqual, isMap } from "../typed-values.ts";

const mapOf = (value: unknown): Fields => (isMap(value) ? value : {});
const mapsIn = (value: unknown): Fields[] => (Array.isArray(value) ? value.filter(isMap) : []);
const text = (value: unknown) => (value === undefined || value === null ? "" : String(value));

export const namespace: Behaviour = {
  nameRule: dnsLabel,
  fields: { "status.phase": ({ status }) => text(status?.["phase"]) },
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
  fields: { "spec.unschedulable": ({ spec }) => text(spec?.["unschedulable"] === true) },
};

/** Written whole by their controllers, whether they are there or not. */
export const endpoints: Behaviour = {
  deprecated: "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
  createsOnUpdate: true,
  setDefaults(item) {
    for (const subset of mapsIn(item["subsets"]))
      for (const port of mapsIn(subset["ports"])) port["protocol"] ??= "TCP";
  },
};

export const endpointSlice: Behaviour = {
  countsGenerations: true,
  setDefaults(item) {
    for (const endpoint of mapsIn(item["endpoints"])) endpoint["conditions"] ??= {};
    for (const port of mapsIn(item["ports"])) {
      port["name"] ??= "";
      port["protocol"] ??= "TCP";
    }
  },
  validate(item, stored) {
    const type = item["addressType"];
    if (type === undefined) return [required("addressType")];
    return stored && stored["addressType"] !== type ? [invalidValue("addressType", type, "field is immutable")] : [];
  },
};

export const event: Behaviour = {
  createsOnUpdate: true,
  fields: {
    ...Object.fromEntries(
      ["kind", "namespace", "name", "uid", "apiVersion", "resourceVersion", "fieldPath"].map((name) => [
        `involvedObject.${name}`,
        (item: Item) => text(mapOf(item["involvedObject"])[name]),
      ]),
    ),
    reason: (item) => text(item["reason"]),
    type: (item) => text(item["type"]),
    reportingComponent: (item) => text(item["reportingComponent"]),
    source: (item) => text(mapOf(item["source"])["component"] ?? item["reportingComponent"]),
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
    const involved = text(mapOf(item["involvedObject"])["namespace"]);
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
    if (policy !== undefined && !policies.includes(text(policy))) {
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

/** Both kinds of webhook configuration. Source: k8s.io/kubernetes pkg/apis/admissionregistration. */
export function webhookConfiguration(mutating: boolean): Behaviour {
  return {
    countsGenerations: true,
    needsRevision: true,
    setDefaults(item) {
      for (const webhook of mapsIn(item["webhooks"])) {
        webhook["failurePolicy"] ??= "Fail";
        webhook["matchPolicy"] ??= "Equivalent";
        webhook["namespaceSelector"] ??= {};
        webhook["objectSelector"] ??= {};
        webhook["timeoutSeconds"] ??= 10;
        if (mutating) webhook["reinvocationPolicy"] ??= "Never";
        const service = mapOf(webhook["clientConfig"])["service"];
        if (isMap(service)) service["port"] ??= 443;
        for (const rule of mapsIn(webhook["rules"])) rule["scope"] ??= "*";
      }
    },
    validate(item) {
      return mapsIn(item["webhooks"]).flatMap((webhook, index) => validateWebhook(webhook, `webhooks[${index}]`));
    },
    warnings(item) {
      return mapsIn(item["webhooks"])
        .filter((webhook) => mapsIn(webhook["matchConditions"]).length > 0)
        .map(
          ({ name }) =>
            `webhook ${text(name)}: the embedded cluster does not evaluate matchConditions; all requests are sent`,
        );
    },
  };
}

function validateWebhook(webhook: Fields, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const name = text(webhook["name"]);
  if (name === "") errors.push(required(`${field}.name`));
  else {
    const problem = dnsSubdomain(name);
    if (problem) errors.push(invalidValue(`${field}.name`, name, problem));
    else if (name.split(".").length < 3) {
      errors.push(
        invalidValue(`${field}.name`, name, "should be a domain with at least three segments separated by dots"),
      );
    }
  }
  const effects = text(webhook["sideEffects"]);
  if (effects !== "None" && effects !== "NoneOnDryRun") {
    errors.push({
      field: `${field}.sideEffects`,
      reason: "FieldValueNotSupported",
      text: `Unsupported value: ${JSON.stringify(effects)}: supported values: "None", "NoneOnDryRun"`,
    });
  }
  const config = mapOf(webhook["clientConfig"]);
  if ((config["url"] === undefined) === (config["service"] === undefined)) {
    errors.push(required(`${field}.clientConfig`, "exactly one of url or service is required"));
  }
  const versions = webhook["admissionReviewVersions"];
  if (!Array.isArray(versions) || versions.length === 0) {
    errors.push(required(`${field}.admissionReviewVersions`, "must specify one of v1, v1beta1"));
  } else if (!versions.includes("v1") && !versions.includes("v1beta1")) {
    errors.push(invalidValue(`${field}.admissionReviewVersions`, versions, "must include at least one of v1, v1beta1"));
  }
  const seconds = webhook["timeoutSeconds"];
  if (typeof seconds === "number" && (seconds < 1 || seconds > 30)) {
    errors.push(invalidValue(`${field}.timeoutSeconds`, seconds, "the timeout value must be between 1 and 30 seconds"));
  }
  return errors;
}

export const role: Behaviour = {
  createsOnUpdate: true,
  nameRule: pathSegment,
  validate: ({ rules }) => validateRules(rules),
};

function validateRules(rules: unknown): FieldError[] {
  return mapsIn(rules).flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const listed = (name: string) => Array.isArray(rule[name]) && (rule[name] as unknown[]).length > 0;
    const errors: FieldError[] = [];
    if (!listed("verbs")) errors.push(required(`${at}.verbs`, "verbs must contain at least one value"));
    if (listed("nonResourceURLs")) return errors;
    if (!listed("apiGroups"))
      errors.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    if (!listed("resources"))
      errors.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
    return errors;
  });
}

export const roleBinding: Behaviour = {
  createsOnUpdate: true,
  nameRule: pathSegment,
  setDefaults(item) {
    const reference = mapOf(item["roleRef"]);
    reference["apiGroup"] ||= rbacGroup;
    for (const subject of mapsIn(item["subjects"])) {
      if (subject["kind"] === "User" || subject["kind"] === "Group") subject["apiGroup"] ??= rbacGroup;
    }
  },
  validate(item, stored) {
    const errors: FieldError[] = [];
    const reference = mapOf(item["roleRef"]);
    if (!reference["name"]) errors.push(required("roleRef.name"));
    if (stored && !isDeepEqual(stored["roleRef"], item["roleRef"])) {
      const shown = { APIGroup: reference["apiGroup"], Kind: reference["kind"], Name: reference["name"] };
      errors.push(invalidValue("roleRef", shown, "cannot change roleRef"));
    }
    for (const [index, subject] of mapsIn(item["subjects"]).entries()) {
      if (!subject["name"]) errors.push(required(`subjects[${index}].name`));
      if (subject["kind"] === "ServiceAccount" && !subject["namespace"] && item.kind === "ClusterRoleBinding") {
        errors.push(required(`subjects[${index}].namespace`));
      }
    }
    return errors;
  },
};

export const persistentVolumeClaim: Behaviour = {
  setDefaults(item) {
    item.spec ??= {};
    const { spec } = item;
    spec["volumeMode"] ??= "Filesystem";
  },
  prepareCreate(item) {
    item.status = { phase: "Pending" };
  },
};

export const persistentVolume: Behaviour = {
  setDefaults(item) {
    item.spec ??= {};
    const { spec } = item;
    spec["volumeMode"] ??= "Filesystem";
    spec["persistentVolumeReclaimPolicy"] ??= "Retain";
  },
  prepareCreate(item) {
    item.status = { phase: "Pending" };
  },
};

export const storageClass: Behaviour = {
  setDefaults(item) {
    item["reclaimPolicy"] ??= "Delete";
    item["volumeBindingMode"] ??= "Immediate";
  },
};
