import type { Column, Item } from "../resource.ts";
import { mapOf, mapsIn, textOf } from "../typed-values.ts";
import {
  ageColumn,
  countOf,
  nameColumn,
  number,
  orNone,
  pairs,
  selectorColumn,
  specOf,
  statusOf,
  templateColumns,
  text,
  wide,
} from "./cells.ts";
import { podColumns, replicaCount } from "./pods.ts";
import { age } from "./table.ts";

export { ageColumn, nameColumn } from "./cells.ts";

/** A number in a column that the real server declares as text. */
const count = (name: string, description: string, cell: Column["cell"]): Column => text(name, description, cell);

const createdAt: Column = {
  name: "Created At",
  type: "date",
  description: "When the object was created.",
  cell: (object) => object.metadata.creationTimestamp,
};

function quotaUsage(object: Item, limits: boolean): string {
  const { hard, used } = statusOf(object);
  return Object.entries(mapOf(hard))
    .filter(([name]) => name.startsWith("limits.") === limits)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, amount]) => `${name}: ${textOf(mapOf(used)[name])}/${textOf(amount)}`)
    .join(", ");
}

/** For kinds without columns of their own. */
export const defaultColumns: readonly Column[] = [nameColumn, createdAt];

const keys = (object: Item, ...fields: string[]) =>
  fields.reduce((sum, field) => sum + Object.keys(mapOf(object[field])).length, 0);

function servicePorts(object: Item): string {
  const ports = mapsIn(specOf(object)["ports"]).map(({ port, nodePort, protocol }) =>
    nodePort ? `${String(port)}:${String(nodePort)}/${String(protocol)}` : `${String(port)}/${String(protocol)}`,
  );
  return orNone(ports.join(","));
}

function externalAddress(object: Item): string {
  const spec = specOf(object);
  const external = Array.isArray(spec["externalIPs"]) ? (spec["externalIPs"] as string[]) : [];
  switch (spec["type"]) {
    case "ExternalName":
      return textOf(spec["externalName"]);
    case "LoadBalancer": {
      const ingress = mapsIn(mapOf(statusOf(object)["loadBalancer"])["ingress"]).map(
        ({ ip, hostname }) => textOf(ip) || textOf(hostname),
      );
      const all = [...ingress, ...external];
      return all.length > 0 ? all.join(",") : "<pending>";
    }
    default:
      return orNone(external.join(","));
  }
}

function endpointAddresses(object: Item): string {
  const found = mapsIn(object["subsets"]).flatMap((subset) => {
    const ports = mapsIn(subset["ports"]);
    return mapsIn(subset["addresses"]).flatMap(({ ip }) =>
      ports.length === 0 ? [textOf(ip)] : ports.map(({ port }) => `${textOf(ip)}:${String(port)}`),
    );
  });
  const shown = found.slice(0, 3);
  return orNone(shown.join(",") + (found.length > 3 ? ` + ${found.length - 3} more...` : ""));
}

function nodeStatus(object: Item): string {
  const ready = mapsIn(statusOf(object)["conditions"]).find(({ type }) => type === "Ready");
  const words = [ready === undefined ? "Unknown" : ready["status"] === "True" ? "Ready" : "NotReady"];
  if (specOf(object)["unschedulable"] === true) words.push("SchedulingDisabled");
  return words.join(",");
}

function nodeRoles(object: Item): string {
  const prefix = "node-role.kubernetes.io/";
  const roles = Object.keys(object.metadata.labels ?? {}).filter((label) => label.startsWith(prefix));
  return orNone(
    roles
      .map((label) => label.slice(prefix.length))
      .sort()
      .join(","),
  );
}

const nodeAddress = (object: Item, type: string) =>
  orNone(textOf(mapsIn(statusOf(object)["addresses"]).find((address) => address["type"] === type)?.["address"]));
const nodeInfo = (object: Item, field: string) => textOf(mapOf(statusOf(object)["nodeInfo"])[field]) || "<unknown>";

const budgetValue = (object: Item, field: string) => {
  const value = specOf(object)[field];
  return value === undefined ? "N/A" : String(value);
};

function eventSource(object: Item): string {
  const source = mapOf(object["source"]);
  const component = textOf(source["component"]) || textOf(object["reportingComponent"]);
  const host = textOf(source["host"]) || textOf(object["reportingInstance"]);
  return host === "" ? component : `${component}, ${host}`;
}

const lastSeen = (object: Item) =>
  mapOf(object["series"])["lastObservedTime"] ??
  object["lastTimestamp"] ??
  object["eventTime"] ??
  object["firstTimestamp"];

const roleRef = (object: Item) => {
  const reference = mapOf(object["roleRef"]);
  return `${textOf(reference["kind"])}/${textOf(reference["name"])}`;
};

const subjectsOf = (kind: string, show: (subject: Record<string, unknown>) => string) => (object: Item) =>
  mapsIn(object["subjects"])
    .filter((subject) => subject["kind"] === kind)
    .map(show)
    .join(", ");

const bindingColumns: readonly Column[] = [
  nameColumn,
  text("Role", "The role that is given.", roleRef),
  ageColumn,
  wide(
    text(
      "Users",
      "Users in the roleBinding.",
      subjectsOf("User", ({ name }) => textOf(name)),
    ),
  ),
  wide(
    text(
      "Groups",
      "Groups in the roleBinding.",
      subjectsOf("Group", ({ name }) => textOf(name)),
    ),
  ),
  wide(
    text(
      "ServiceAccounts",
      "ServiceAccounts in the roleBinding.",
      subjectsOf("ServiceAccount", ({ name, namespace }) => `${textOf(namespace)}/${textOf(name)}`),
    ),
  ),
];

const webhookColumns: readonly Column[] = [
  nameColumn,
  number("Webhooks", "How many webhooks there are.", (object) => mapsIn(object["webhooks"]).length),
  ageColumn,
];

const desired = (object: Item) => specOf(object)["replicas"];

function hpaTargets(object: Item): string {
  const current = mapsIn(statusOf(object)["currentMetrics"]);
  const shown = mapsIn(specOf(object)["metrics"]).map((metric) => {
    const type = textOf(metric["type"]);
    const source = mapOf(metric[`${type[0]?.toLowerCase() ?? ""}${type.slice(1)}`]);
    const name = textOf(source["name"]);
    const target = mapOf(source["target"]);
    const now = current.map((entry) => mapOf(entry["resource"])).find((entry) => entry["name"] === source["name"]);
    const value = mapOf(now?.["current"]);
    const label = type === "Resource" ? `${name}: ` : "";
    if (target["averageUtilization"] !== undefined) {
      const seen = value["averageUtilization"];
      return `${label}${seen === undefined ? "<unknown>" : `${String(seen)}%`}/${String(target["averageUtilization"])}%`;
    }
    const seen = value["averageValue"] ?? value["value"];
    return `${label}${seen === undefined ? "<unknown>" : String(seen)}/${String(target["averageValue"] ?? target["value"])}`;
  });
  return orNone(shown.join(", "));
}

/** The columns of built-in kinds, by storage key. Source: k8s.io/kubernetes pkg/printers/internalversion. */
export const builtInColumns: Readonly<Record<string, readonly Column[]>> = {
  pods: podColumns,
  services: [
    nameColumn,
    text("Type", "How the service is exposed.", (object) => textOf(specOf(object)["type"])),
    text("Cluster-IP", "The service's address.", (object) => orNone(textOf(specOf(object)["clusterIP"]))),
    text("External-IP", "Addresses from outside.", externalAddress),
    text("Port(s)", "The service's ports.", servicePorts),
    ageColumn,
    wide(text("Selector", "Labels of the pods.", (object) => pairs(specOf(object)["selector"]))),
  ],
  endpoints: [nameColumn, text("Endpoints", "The addresses.", endpointAddresses), ageColumn],
  "discovery.k8s.io/endpointslices": [
    nameColumn,
    text("AddressType", "The type of the addresses.", (object) => textOf(object["addressType"])),
    text(
      "Ports",
      "The ports.",
      (object) =>
        mapsIn(object["ports"])
          .map(({ port }) => textOf(port))
          .slice(0, 3)
          .join(",") || "<unset>",
    ),
    text("Endpoints", "The addresses.", (object) => {
      const all = mapsIn(object["endpoints"]).flatMap(({ addresses }) =>
        Array.isArray(addresses) ? (addresses as string[]) : [],
      );
      return (all.slice(0, 3).join(",") || "<unset>") + (all.length > 3 ? ` + ${all.length - 3} more...` : "");
    }),
    ageColumn,
  ],
  configmaps: [
    nameColumn,
    count("Data", "How many entries there are.", (object) => keys(object, "data", "binaryData")),
    ageColumn,
  ],
  secrets: [
    nameColumn,
    text("Type", "The type of the secret.", (object) => textOf(object["type"])),
    count("Data", "How many entries there are.", (object) => keys(object, "data")),
    ageColumn,
  ],
  namespaces: [
    nameColumn,
    text("Status", "The status of the namespace.", (object) => textOf(statusOf(object)["phase"])),
    ageColumn,
  ],
  serviceaccounts: [
    nameColumn,
    count("Secrets", "How many secrets there are.", (object) => mapsIn(object["secrets"]).length),
    ageColumn,
  ],
  events: [
    { ...text("Last Seen", "When it was last seen.", (object, nowMs) => age(lastSeen(object), nowMs)) },
    text("Type", "Normal or Warning.", (object) => textOf(object["type"])),
    text("Reason", "What happened, in one word.", (object) => textOf(object["reason"])),
    text("Object", "The object it happened to.", (object) => {
      const involved = mapOf(object["involvedObject"]);
      return `${textOf(involved["kind"]).toLowerCase()}/${textOf(involved["name"])}`;
    }),
    wide(
      text("Subobject", "The part of the object.", (object) => textOf(mapOf(object["involvedObject"])["fieldPath"])),
    ),
    wide(text("Source", "Who tells.", eventSource)),
    text("Message", "What happened.", (object) => textOf(object["message"]).trim()),
    wide(
      text("First Seen", "When it was first seen.", (object, nowMs) =>
        age(object["firstTimestamp"] ?? object["eventTime"], nowMs),
      ),
    ),
    wide(
      count(
        "Count",
        "How often it was seen.",
        (object) => countOf(mapOf(object["series"])["count"] ?? object["count"]) || 1,
      ),
    ),
    wide({ ...nameColumn }),
  ],
  nodes: [
    nameColumn,
    text("Status", "The status of the node.", nodeStatus),
    text("Roles", "The roles of the node.", nodeRoles),
    ageColumn,
    text("Version", "The version of the node agent.", (object) =>
      textOf(mapOf(statusOf(object)["nodeInfo"])["kubeletVersion"]),
    ),
    wide(text("Internal-IP", "The address inside.", (object) => nodeAddress(object, "InternalIP"))),
    wide(text("External-IP", "The address outside.", (object) => nodeAddress(object, "ExternalIP"))),
    wide(text("OS-Image", "The operating system.", (object) => nodeInfo(object, "osImage"))),
    wide(text("Kernel-Version", "The kernel.", (object) => nodeInfo(object, "kernelVersion"))),
    wide(text("Container-Runtime", "The container runtime.", (object) => nodeInfo(object, "containerRuntimeVersion"))),
  ],
  persistentvolumeclaims: [
    nameColumn,
    text("Status", "The state of the claim.", (object) => textOf(statusOf(object)["phase"])),
    text("Volume", "The bound volume.", (object) => textOf(specOf(object)["volumeName"])),
    text("Capacity", "How much it holds.", (object) => textOf(mapOf(statusOf(object)["capacity"])["storage"])),
    text("Access Modes", "How it can be mounted.", (object) =>
      ((statusOf(object)["accessModes"] as string[] | undefined) ?? []).join(","),
    ),
    text("StorageClass", "Its class.", (object) => textOf(specOf(object)["storageClassName"])),
    ageColumn,
    wide(text("VolumeMode", "Filesystem or Block.", (object) => textOf(specOf(object)["volumeMode"]))),
  ],
  "apps/deployments": [
    nameColumn,
    text(
      "Ready",
      "Number of the pod with ready state",
      (object) => `${countOf(statusOf(object)["readyReplicas"])}/${countOf(desired(object))}`,
    ),
    count("Up-to-date", "Pods of the newest template.", (object) => countOf(statusOf(object)["updatedReplicas"])),
    count("Available", "Pods that are available.", (object) => countOf(statusOf(object)["availableReplicas"])),
    ageColumn,
    ...templateColumns(),
    selectorColumn,
  ],
  "apps/replicasets": [
    nameColumn,
    replicaCount("Desired", "How many pods are wanted.", desired),
    replicaCount("Current", "How many pods there are.", (object) => statusOf(object)["replicas"]),
    replicaCount("Ready", "How many pods are ready.", (object) => statusOf(object)["readyReplicas"]),
    ageColumn,
    ...templateColumns(),
    selectorColumn,
  ],
  "apps/statefulsets": [
    nameColumn,
    text(
      "Ready",
      "Number of the pod with ready state",
      (object) => `${countOf(statusOf(object)["readyReplicas"])}/${countOf(desired(object))}`,
    ),
    ageColumn,
    ...templateColumns(),
  ],
  "autoscaling/horizontalpodautoscalers": [
    nameColumn,
    text("Reference", "What is scaled.", (object) => {
      const target = mapOf(specOf(object)["scaleTargetRef"]);
      return `${textOf(target["kind"])}/${textOf(target["name"])}`;
    }),
    text("Targets", "The metrics.", hpaTargets),
    text("MinPods", "At least so many pods.", (object) =>
      specOf(object)["minReplicas"] === undefined ? "<unset>" : textOf(specOf(object)["minReplicas"]),
    ),
    count("MaxPods", "At most so many pods.", (object) => countOf(specOf(object)["maxReplicas"])),
    count("Replicas", "How many pods there are.", (object) => countOf(statusOf(object)["currentReplicas"])),
    ageColumn,
  ],
  "policy/poddisruptionbudgets": [
    nameColumn,
    text("Min Available", "How many pods must stay.", (object) => budgetValue(object, "minAvailable")),
    text("Max Unavailable", "How many pods may go.", (object) => budgetValue(object, "maxUnavailable")),
    number("Allowed Disruptions", "How many pods may go now.", (object) =>
      countOf(statusOf(object)["disruptionsAllowed"]),
    ),
    ageColumn,
  ],
  resourcequotas: [
    nameColumn,
    text("Request", "What is used of each resource, and allowed.", (object) => quotaUsage(object, false)),
    text("Limit", "What is used of each limit, and allowed.", (object) => quotaUsage(object, true)),
    ageColumn,
  ],
  "coordination.k8s.io/leases": [
    nameColumn,
    text("Holder", "Who holds it.", (object) => textOf(specOf(object)["holderIdentity"])),
    ageColumn,
  ],
  "rbac.authorization.k8s.io/rolebindings": bindingColumns,
  "rbac.authorization.k8s.io/clusterrolebindings": bindingColumns,
  "admissionregistration.k8s.io/mutatingwebhookconfigurations": webhookColumns,
  "admissionregistration.k8s.io/validatingwebhookconfigurations": webhookColumns,
  "storage.k8s.io/storageclasses": [
    nameColumn,
    text("Provisioner", "Who provides the storage.", (object) => textOf(object["provisioner"])),
    text("ReclaimPolicy", "What becomes of volumes.", (object) => textOf(object["reclaimPolicy"])),
    text("VolumeBindingMode", "When volumes are bound.", (object) => textOf(object["volumeBindingMode"])),
    {
      name: "AllowVolumeExpansion",
      type: "boolean",
      description: "Whether volumes can grow.",
      cell: (object) => object["allowVolumeExpansion"] === true,
    },
    ageColumn,
  ],
};
