import { dns1035Label, dnsLabel } from "../names.ts";
import type { Behaviour, Item } from "../resource.ts";
import {
  duplicate,
  type FieldError,
  invalid,
  invalidValue,
  notSupported,
  required,
  statusError,
} from "../status-errors.ts";
import type { StorageReader } from "../storage.ts";
import { type Fields, isMap } from "../typed-values.ts";
import { isPort } from "./pod-spec.ts";

const types = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
const protocols = ["SCTP", "TCP", "UDP"];
const firstNodePort = 30_000;
const lastNodePort = 32_767;

const portsOf = (item: Item): Fields[] =>
  Array.isArray(item.spec?.["ports"]) ? (item.spec["ports"] as Fields[]).filter(isMap) : [];

/**
 * Service: gives addresses of 10.96.0.0/16 and node ports.
 * Source: k8s.io/kubernetes pkg/registry/core/service and pkg/apis/core/{v1/defaults,validation}.
 */
export const service: Behaviour = {
  nameRule: dns1035Label,
  fields: {
    "spec.clusterIP": ({ spec }) => String(spec?.["clusterIP"] ?? ""),
    "spec.type": ({ spec }) => String(spec?.["type"] ?? ""),
  },
  setDefaults(item) {
    item.spec ??= {};
    const { spec } = item;
    spec["sessionAffinity"] ??= "None";
    spec["type"] ??= "ClusterIP";
    if (spec["sessionAffinity"] === "ClientIP")
      spec["sessionAffinityConfig"] ??= { clientIP: { timeoutSeconds: 10_800 } };
    else delete spec["sessionAffinityConfig"];
    for (const port of portsOf(item)) {
      port["protocol"] ??= "TCP";
      if (port["targetPort"] === undefined || port["targetPort"] === 0 || port["targetPort"] === "")
        port["targetPort"] = port["port"];
    }
    const { type } = spec;
    if (type === "ExternalName") return;
    spec["internalTrafficPolicy"] ??= "Cluster";
    if (type === "NodePort" || type === "LoadBalancer") spec["externalTrafficPolicy"] ??= "Cluster";
    if (type === "LoadBalancer") spec["allocateLoadBalancerNodePorts"] ??= true;
    const given = spec["clusterIPs"];
    if (spec["clusterIP"] === undefined && Array.isArray(given) && given.length > 0) spec["clusterIP"] = given[0];
  },
  prepareCreate(item) {
    item.status = { loadBalancer: {} };
  },
  prepareUpdate(item, stored) {
    const spec = item.spec!;
    const old = stored.spec ?? {};
    if (spec["type"] === "ExternalName") {
      dropAddresses(spec);
      return;
    }
    // A client that sends no address means the one that is there.
    if (old["type"] !== "ExternalName" && !spec["clusterIP"]) {
      for (const name of ["clusterIP", "clusterIPs"]) if (old[name] !== undefined) spec[name] = old[name];
    }
    const keepsNodePorts = old["type"] !== "ClusterIP" && spec["type"] !== "ClusterIP";
    for (const port of portsOf(item)) {
      const before = portsOf(stored).find(
        (other) => other["port"] === port["port"] && other["protocol"] === port["protocol"],
      );
      if (keepsNodePorts && !port["nodePort"] && before?.["nodePort"]) port["nodePort"] = before["nodePort"];
      else if (spec["type"] === "ClusterIP" && port["nodePort"] === before?.["nodePort"]) delete port["nodePort"];
    }
    if (spec["type"] === "ClusterIP") delete spec["externalTrafficPolicy"];
  },
  validate: validateService,
  warnings: ({ spec }) =>
    spec?.["externalName"] !== undefined && spec["type"] !== "ExternalName"
      ? ['spec.externalName is ignored when spec.type is not "ExternalName"']
      : [],
  claim: claimAddresses,
};

function dropAddresses(spec: Fields): void {
  for (const name of [
    "clusterIP",
    "clusterIPs",
    "ipFamilies",
    "ipFamilyPolicy",
    "internalTrafficPolicy",
    "externalTrafficPolicy",
  ])
    delete spec[name];
}

function validateService(item: Item, stored: Item | undefined): FieldError[] {
  const errors: FieldError[] = [];
  const spec = item.spec ?? {};
  const ports = portsOf(item);
  const { type } = spec;
  const headless = spec["clusterIP"] === "None";
  if (ports.length === 0 && !headless && type !== "ExternalName") errors.push(required("spec.ports"));
  if (type === "ExternalName" && !spec["externalName"]) errors.push(required("spec.externalName"));
  if (headless && type === "LoadBalancer")
    errors.push(invalidValue("spec.clusterIPs[0]", "None", "may not be set to 'None' for LoadBalancer services"));
  const names = new Set<unknown>();
  const numbers = new Set<string>();
  for (const [index, port] of ports.entries()) {
    const at = `spec.ports[${index}]`;
    const { name, protocol } = port;
    if (ports.length > 1 && !name) errors.push(required(`${at}.name`));
    else if (typeof name === "string" && name !== "") {
      const problem = dnsLabel(name);
      if (problem) errors.push(invalidValue(`${at}.name`, name, problem));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (!isPort(port["port"]))
      errors.push(invalidValue(`${at}.port`, port["port"] ?? 0, "must be between 1 and 65535, inclusive"));
    if (!protocols.includes(String(protocol))) errors.push(notSupported(`${at}.protocol`, protocol, protocols));
    const target = port["targetPort"];
    if (typeof target === "number" && !isPort(target))
      errors.push(invalidValue(`${at}.targetPort`, target, "must be between 1 and 65535, inclusive"));
    if (type === "ClusterIP" && port["nodePort"]) {
      errors.push({
        field: `${at}.nodePort`,
        reason: "FieldValueForbidden",
        text: "Forbidden: may not be used when `type` is 'ClusterIP'",
      });
    }
    const number = `${String(protocol)} ${String(port["port"])}`;
    if (numbers.has(number)) errors.push(duplicate(at, goPort(protocol, port["port"])));
    numbers.add(number);
  }
  if (!types.includes(String(type))) errors.push(notSupported("spec.type", type, types));
  const before = stored?.spec?.["clusterIP"];
  const stays = stored?.spec?.["type"] !== "ExternalName" && type !== "ExternalName";
  if (before && stays && spec["clusterIP"] !== before) {
    errors.push(invalidValue("spec.clusterIPs[0]", [spec["clusterIP"]], "may not change once set"));
  }
  return errors;
}

/** A port as messages print Go's struct. */
const goPort = (protocol: unknown, port: unknown) => ({
  Name: "",
  Protocol: protocol,
  AppProtocol: null,
  Port: port,
  TargetPort: 0,
  NodePort: 0,
});

/** A Service that nobody's pods stand behind may be of both families; all others are of the cluster's only one. */
function settleFamilies(spec: Fields): void {
  const free = spec["clusterIP"] === "None" && spec["selector"] === undefined;
  spec["ipFamilies"] ??= free ? ["IPv4", "IPv6"] : ["IPv4"];
  spec["ipFamilyPolicy"] ??= free ? "RequireDualStack" : "SingleStack";
  if (typeof spec["clusterIP"] === "string" && spec["clusterIP"] !== "") spec["clusterIPs"] ??= [spec["clusterIP"]];
}

/** Gives an address and node ports that no other Service has, or refuses those that somebody has. */
function claimAddresses(item: Item, stored: Item | undefined, reader: StorageReader): void {
  const spec = item.spec!;
  if (spec["type"] === "ExternalName") return;
  settleFamilies(spec);
  const others = () =>
    reader
      .list("services")
      .filter(({ name, namespace }) => name !== item.metadata.name || namespace !== item.metadata.namespace);
  const takenAddresses = () => new Set(others().map(({ object }) => (object as Item).spec?.["clusterIP"]));
  const wanted = spec["clusterIP"];
  if (wanted !== "None" && wanted !== stored?.spec?.["clusterIP"]) {
    const taken = takenAddresses();
    if (!wanted) {
      spec["clusterIP"] = freeAddress(taken, item.metadata.uid ?? "");
    } else if (!/^10\.96\.\d+\.\d+$/.test(String(wanted))) {
      throw refused(
        item,
        "spec.clusterIPs",
        [wanted],
        `failed to allocate IP ${String(wanted)}: the provided network does not match the current range`,
      );
    } else if (taken.has(wanted)) {
      throw refused(
        item,
        "spec.clusterIPs",
        [wanted],
        `failed to allocate IP ${String(wanted)}: provided IP is already allocated`,
      );
    }
    spec["clusterIPs"] = [spec["clusterIP"]];
  } else if (!wanted && stored?.spec?.["clusterIP"] === undefined) {
    spec["clusterIP"] = freeAddress(takenAddresses(), item.metadata.uid ?? "");
    spec["clusterIPs"] = [spec["clusterIP"]];
  }
  if (
    spec["type"] !== "NodePort" &&
    !(spec["type"] === "LoadBalancer" && spec["allocateLoadBalancerNodePorts"] !== false)
  )
    return;
  const takenPorts = new Set(others().flatMap(({ object }) => portsOf(object as Item).map((port) => port["nodePort"])));
  for (const [index, port] of portsOf(item).entries()) {
    const number = port["nodePort"];
    if (number && takenPorts.has(number))
      throw refused(item, `spec.ports[${index}].nodePort`, number, "provided port is already allocated");
    if (!number) port["nodePort"] = freeNodePort(takenPorts);
    takenPorts.add(port["nodePort"]);
  }
}

function refused(item: Item, field: string, value: unknown, detail: string): Error {
  return invalid({ group: "", kind: "Service" }, item.metadata.name, [invalidValue(field, value, detail)]);
}

/** Starts at a place that follows from the uid, so that addresses are not handed out twice in a row. */
function freeAddress(taken: ReadonlySet<unknown>, uid: string): string {
  const start = Number.parseInt(uid.replaceAll("-", "").slice(0, 8) || "0", 16);
  // The first addresses are left to those who ask for one by name.
  const [first, count] = [256, 65_535 - 256];
  for (let step = 0; step < count; step++) {
    const offset = first + ((start + step) % count);
    const address = `10.96.${offset >> 8}.${offset & 255}`;
    if (!taken.has(address)) return address;
  }
  throw statusError(500, "InternalError", "failed to allocate a serviceIP: range is full");
}

function freeNodePort(taken: ReadonlySet<unknown>): number {
  for (let port = firstNodePort; port <= lastNodePort; port++) if (!taken.has(port)) return port;
  throw statusError(500, "InternalError", "failed to allocate a nodePort: range is full");
}
