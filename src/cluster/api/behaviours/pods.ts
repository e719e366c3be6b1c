import type { Behaviour, Item } from "../resource.ts";
import { type FieldError, forbiddenField } from "../status-errors.ts";
import { type Fields, isDeepEqual, isMap } from "../typed-values.ts";
import { setPodSpecDefaults, setRequestsFromLimits, validatePodSpec } from "./pod-spec.ts";

const text = (value: unknown) => (typeof value === "string" ? value : "");

/** Pod. Source: k8s.io/kubernetes pkg/registry/core/pod and pkg/apis/core/validation. */
export const pod: Behaviour = {
  countsGenerations: true,
  fields: {
    "spec.nodeName": ({ spec }) => text(spec?.["nodeName"]),
    "spec.restartPolicy": ({ spec }) => text(spec?.["restartPolicy"]),
    "spec.schedulerName": ({ spec }) => text(spec?.["schedulerName"]),
    "spec.serviceAccountName": ({ spec }) => text(spec?.["serviceAccountName"]),
    "spec.hostNetwork": ({ spec }) => String(spec?.["hostNetwork"] === true),
    "status.phase": ({ status }) => text(status?.["phase"]),
    "status.podIP": ({ status }) => text(status?.["podIP"]),
    "status.nominatedNodeName": ({ status }) => text(status?.["nominatedNodeName"]),
  },
  setDefaults(item) {
    item.spec ??= {};
    setPodSpecDefaults(item.spec);
    setRequestsFromLimits(item.spec);
    const { spec } = item;
    spec["enableServiceLinks"] ??= true;
    if (spec["nodeName"] === "") delete spec["nodeName"];
  },
  prepareCreate(item) {
    const spec = item.spec!;
    spec["preemptionPolicy"] ??= "PreemptLowerPriority";
    spec["priority"] ??= 0;
    spec["tolerations"] = [...((spec["tolerations"] as Fields[] | undefined) ?? []), ...missingTolerations(spec)];
    item.status = { phase: "Pending", qosClass: qualityOf(spec) };
  },
  prepareUpdate(item, stored) {
    item.spec!["nodeName"] ??= stored.spec?.["nodeName"];
    if (item.spec!["nodeName"] === undefined) delete item.spec!["nodeName"];
  },
  validate: validatePod,
  gracePeriodSeconds(item, asked) {
    const phase = item.status?.["phase"];
    // Nobody has to end a pod that runs nowhere or runs no longer.
    if (!item.spec?.["nodeName"] || phase === "Succeeded" || phase === "Failed") return 0;
    const wished = item.spec["terminationGracePeriodSeconds"];
    const seconds = asked ?? (typeof wished === "number" ? wished : 30);
    return seconds < 0 ? 1 : seconds;
  },
};

/** Every pod stands an unreachable node for five minutes. Source: plugin/pkg/admission/defaulttolerationseconds. */
function missingTolerations(spec: Fields): Fields[] {
  const present = (spec["tolerations"] as Fields[] | undefined) ?? [];
  return ["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"]
    .filter(
      (key) =>
        !present.some(
          (toleration) => (toleration["key"] ?? key) === key && (toleration["effect"] ?? "NoExecute") === "NoExecute",
        ),
    )
    .map((key) => ({ key, operator: "Exists", effect: "NoExecute", tolerationSeconds: 300 }));
}

function qualityOf(spec: Fields): string {
  const containers = [spec["containers"], spec["initContainers"]].flatMap((list) =>
    Array.isArray(list) ? (list as Fields[]) : [],
  );
  let any = false;
  let guaranteed = true;
  for (const container of containers) {
    const resources = isMap(container["resources"]) ? container["resources"] : {};
    const requests = isMap(resources["requests"]) ? resources["requests"] : {};
    const limits = isMap(resources["limits"]) ? resources["limits"] : {};
    for (const name of ["cpu", "memory"]) {
      if (requests[name] !== undefined || limits[name] !== undefined) any = true;
      if (limits[name] === undefined || String(requests[name] ?? limits[name]) !== String(limits[name]))
        guaranteed = false;
    }
  }
  if (!any) return "BestEffort";
  return guaranteed ? "Guaranteed" : "Burstable";
}

const mutable =
  "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";

function validatePod(item: Item, stored: Item | undefined): FieldError[] {
  const errors = validatePodSpec(item.spec ?? {}, "spec");
  if (!stored || errors.length > 0) return errors;
  const fixed = (spec: Fields | undefined) => {
    const imageless = (list: unknown) =>
      Array.isArray(list) ? (list as Fields[]).map(({ image: _, ...rest }) => rest) : undefined;
    const {
      activeDeadlineSeconds: _,
      tolerations: __,
      schedulingGates: ___,
      nodeName: ____,
      containers,
      initContainers,
      ...rest
    } = spec ?? {};
    return { ...rest, containers: imageless(containers), initContainers: imageless(initContainers) };
  };
  const assigned = stored.spec?.["nodeName"];
  const moved = assigned !== undefined && item.spec?.["nodeName"] !== assigned;
  const same = isDeepEqual(fixed(item.spec), fixed(stored.spec)) && !moved;
  return same ? [] : [forbiddenField("spec", mutable)];
}
