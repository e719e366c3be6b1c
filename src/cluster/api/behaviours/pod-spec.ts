import { duplicatesIn, validateAnnotations, validateLabels } from "../metadata.ts";
import { dnsLabel } from "../names.ts";
import {
  duplicate,
  type FieldError,
  forbiddenField,
  invalidValue,
  notSupported,
  required,
  valueNotFound,
} from "../status-errors.ts";
import { type Fields, isMap, mapAt, mapsIn } from "../typed-values.ts";

/** Sets a field that is absent. */
function fill(target: Fields, defaults: Fields): void {
  for (const [name, value] of Object.entries(defaults)) target[name] ??= value;
}

/** What a pod's spec has when its author does not say. Source: k8s.io/kubernetes pkg/apis/core/v1/defaults.go. */
export function setPodSpecDefaults(spec: Fields): void {
  fill(spec, {
    restartPolicy: "Always",
    terminationGracePeriodSeconds: 30,
    dnsPolicy: "ClusterFirst",
    schedulerName: "default-scheduler",
  });
  spec["securityContext"] ??= {};
  if (spec["serviceAccountName"] && !spec["serviceAccount"]) spec["serviceAccount"] = spec["serviceAccountName"];
  if (!spec["serviceAccountName"] && spec["serviceAccount"]) spec["serviceAccountName"] = spec["serviceAccount"];
  for (const container of [...mapsIn(spec["initContainers"]), ...mapsIn(spec["containers"])])
    setContainerDefaults(container, spec["hostNetwork"] === true);
  for (const volume of mapsIn(spec["volumes"])) setVolumeDefaults(volume);
}

/** A pod (not a template) asks for what its limits allow, where it asks for nothing. */
export function setRequestsFromLimits(spec: Fields): void {
  for (const container of [...mapsIn(spec["initContainers"]), ...mapsIn(spec["containers"])]) {
    const resources = mapAt(container, "resources");
    if (!isMap(resources["limits"])) continue;
    const requests = mapAt(resources, "requests");
    for (const [name, amount] of Object.entries(resources["limits"])) requests[name] ??= amount;
  }
}

function setContainerDefaults(container: Fields, hostNetwork: boolean): void {
  const image = typeof container["image"] === "string" ? container["image"] : "";
  const tag = /@/.test(image) ? "digest" : (/:([^/:]+)$/.exec(image)?.[1] ?? "latest");
  fill(container, {
    imagePullPolicy: tag === "latest" ? "Always" : "IfNotPresent",
    terminationMessagePath: "/dev/termination-log",
    terminationMessagePolicy: "File",
  });
  container["resources"] ??= {};
  for (const port of mapsIn(container["ports"])) {
    fill(port, { protocol: "TCP" });
    if (hostNetwork) fill(port, { hostPort: port["containerPort"] });
  }
  for (const name of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    const probe = container[name];
    if (isMap(probe)) setProbeDefaults(probe);
  }
  const lifecycle = isMap(container["lifecycle"]) ? container["lifecycle"] : {};
  for (const handler of [lifecycle["postStart"], lifecycle["preStop"]]) if (isMap(handler)) setHandlerDefaults(handler);
  for (const variable of mapsIn(container["env"])) {
    const source = isMap(variable["valueFrom"]) ? variable["valueFrom"]["fieldRef"] : undefined;
    if (isMap(source)) fill(source, { apiVersion: "v1" });
  }
}

function setProbeDefaults(probe: Fields): void {
  fill(probe, { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 });
  for (const name of ["timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold"]) {
    if (probe[name] === 0)
      probe[name] = { timeoutSeconds: 1, periodSeconds: 10, successThreshold: 1, failureThreshold: 3 }[name];
  }
  setHandlerDefaults(probe);
}

function setHandlerDefaults(handler: Fields): void {
  if (isMap(handler["httpGet"])) {
    fill(handler["httpGet"], { path: "/", scheme: "HTTP" });
    if (handler["httpGet"]["path"] === "") handler["httpGet"]["path"] = "/";
    if (handler["httpGet"]["scheme"] === "") handler["httpGet"]["scheme"] = "HTTP";
  }
  if (isMap(handler["grpc"])) fill(handler["grpc"], { service: "" });
}

const fileModeSources = ["configMap", "secret", "projected", "downwardAPI"];

function setVolumeDefaults(volume: Fields): void {
  const sources = Object.keys(volume).filter((name) => name !== "name");
  if (sources.length === 0) volume["emptyDir"] = {};
  for (const name of fileModeSources) if (isMap(volume[name])) fill(volume[name], { defaultMode: 0o644 });
  if (isMap(volume["hostPath"])) fill(volume["hostPath"], { type: "" });
  if (isMap(volume["downwardAPI"])) setFieldRefDefaults(mapsIn(volume["downwardAPI"]["items"]));
  if (isMap(volume["projected"])) {
    for (const source of mapsIn(volume["projected"]["sources"])) {
      if (isMap(source["serviceAccountToken"])) fill(source["serviceAccountToken"], { expirationSeconds: 3600 });
      if (isMap(source["downwardAPI"])) setFieldRefDefaults(mapsIn(source["downwardAPI"]["items"]));
    }
  }
}

function setFieldRefDefaults(items: readonly Fields[]): void {
  for (const item of items) if (isMap(item["fieldRef"])) fill(item["fieldRef"], { apiVersion: "v1" });
}

/** The rules of a pod template. Source: k8s.io/kubernetes pkg/apis/core/validation. */
export function validatePodTemplate(template: Fields, field: string): FieldError[] {
  const metadata = isMap(template["metadata"]) ? template["metadata"] : {};
  const spec = isMap(template["spec"]) ? template["spec"] : {};
  return [
    ...validateLabels(metadata["labels"] as Record<string, string> | undefined, `${field}.labels`),
    ...validateAnnotations(metadata["annotations"] as Record<string, string> | undefined, `${field}.annotations`),
    ...validatePodSpec(spec, `${field}.spec`),
  ];
}

const restartPolicies = ["Always", "OnFailure", "Never"];
const dnsPolicies = ["ClusterFirst", "ClusterFirstWithHostNet", "Default", "None"];

export function validatePodSpec(spec: Fields, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const containers = mapsIn(spec["containers"]);
  const volumes = mapsIn(spec["volumes"]);
  const volumeNames = new Set(volumes.map((volume) => String(volume["name"])));
  for (const [index, volume] of volumes.entries()) {
    const at = `${field}.volumes[${index}]`;
    errors.push(...validateLabelName(volume["name"], `${at}.name`));
    const sources = Object.keys(volume).filter((name) => name !== "name");
    if (sources.length === 0) errors.push(required(at, "must specify a volume type"));
    for (const extra of sources.slice(1))
      errors.push(forbiddenField(`${at}.${extra}`, "may not specify more than 1 volume type"));
  }
  errors.push(
    ...duplicatesIn(
      volumes.map(({ name }) => name as string),
      (index) => `${field}.volumes[${index}].name`,
    ),
  );
  if (containers.length === 0) errors.push(required(`${field}.containers`));
  const inits = mapsIn(spec["initContainers"]);
  for (const [index, container] of inits.entries())
    errors.push(...validateContainer(container, `${field}.initContainers[${index}]`, volumeNames));
  for (const [index, container] of containers.entries())
    errors.push(...validateContainer(container, `${field}.containers[${index}]`, volumeNames));
  errors.push(
    ...duplicatesIn(
      [...inits, ...containers].map(({ name }) => name as string),
      (index) =>
        index < inits.length
          ? `${field}.initContainers[${index}].name`
          : `${field}.containers[${index - inits.length}].name`,
    ),
  );
  if (!restartPolicies.includes(String(spec["restartPolicy"]))) {
    errors.push(notSupported(`${field}.restartPolicy`, spec["restartPolicy"], restartPolicies));
  }
  if (!dnsPolicies.includes(String(spec["dnsPolicy"])))
    errors.push(notSupported(`${field}.dnsPolicy`, spec["dnsPolicy"], dnsPolicies));
  const grace = spec["terminationGracePeriodSeconds"];
  if (typeof grace === "number" && grace < 0)
    errors.push(invalidValue(`${field}.terminationGracePeriodSeconds`, grace, "must be greater than or equal to 0"));
  const deadline = spec["activeDeadlineSeconds"];
  if (typeof deadline === "number" && deadline < 1) {
    errors.push(
      invalidValue(`${field}.activeDeadlineSeconds`, deadline, "must be between 1 and 2147483647, inclusive"),
    );
  }
  return errors;
}

function validateLabelName(name: unknown, field: string): FieldError[] {
  if (typeof name !== "string" || name === "") return [required(field)];
  const problem = dnsLabel(name);
  return problem ? [invalidValue(field, name, problem)] : [];
}

const protocols = ["TCP", "UDP", "SCTP"];
const pullPolicies = ["Always", "IfNotPresent", "Never"];

function validateContainer(container: Fields, field: string, volumes: ReadonlySet<string>): FieldError[] {
  const errors = validateLabelName(container["name"], `${field}.name`);
  const image = container["image"];
  if (typeof image !== "string" || image === "") errors.push(required(`${field}.image`));
  else if (image !== image.trim())
    errors.push(invalidValue(`${field}.image`, image, "must not have leading or trailing whitespace"));
  const names = new Set<string>();
  for (const [index, port] of mapsIn(container["ports"]).entries()) {
    const at = `${field}.ports[${index}]`;
    const { name, containerPort, protocol } = port;
    if (typeof name === "string" && name !== "") {
      errors.push(...portNameProblems(name).map((problem) => invalidValue(`${at}.name`, name, problem)));
      if (names.has(name)) errors.push(duplicate(`${at}.name`, name));
      names.add(name);
    }
    if (containerPort === undefined || containerPort === 0) errors.push(required(`${at}.containerPort`));
    else if (!isPort(containerPort)) errors.push(invalidValue(`${at}.containerPort`, containerPort, portRange));
    if (!protocols.includes(String(protocol))) errors.push(notSupported(`${at}.protocol`, protocol, protocols));
  }
  for (const [index, variable] of mapsIn(container["env"]).entries()) {
    const at = `${field}.env[${index}]`;
    const { name, value, valueFrom } = variable;
    if (typeof name !== "string" || name === "") errors.push(required(`${at}.name`));
    else if (/[=\0]/.test(name)) {
      errors.push(
        invalidValue(
          `${at}.name`,
          name,
          "a valid environment variable name must consist only of printable ASCII characters other than '='",
        ),
      );
    }
    if (isMap(valueFrom) && value)
      errors.push(invalidValue(`${at}.valueFrom`, "", "may not be specified when `value` is not empty"));
  }
  const mountPaths = new Set<string>();
  for (const [index, mount] of mapsIn(container["volumeMounts"]).entries()) {
    const at = `${field}.volumeMounts[${index}]`;
    const { name, mountPath } = mount;
    if (typeof name !== "string" || name === "") errors.push(required(`${at}.name`));
    else if (!volumes.has(name)) errors.push(valueNotFound(`${at}.name`, name));
    if (typeof mountPath !== "string" || mountPath === "") errors.push(required(`${at}.mountPath`));
    else if (mountPaths.has(mountPath)) errors.push(invalidValue(`${at}.mountPath`, mountPath, "must be unique"));
    else mountPaths.add(mountPath);
  }
  if (!pullPolicies.includes(String(container["imagePullPolicy"]))) {
    errors.push(notSupported(`${field}.imagePullPolicy`, container["imagePullPolicy"], pullPolicies));
  }
  errors.push(...validateResources(container["resources"], `${field}.resources`));
  for (const probe of ["livenessProbe", "readinessProbe", "startupProbe"]) {
    if (isMap(container[probe]))
      errors.push(...validateProbe(container[probe], `${field}.${probe}`, probe !== "readinessProbe"));
  }
  return errors;
}

const handlers = ["exec", "httpGet", "tcpSocket", "grpc"];

function validateProbe(probe: Fields, field: string, mustSucceedOnce: boolean): FieldError[] {
  const errors: FieldError[] = [];
  const chosen = handlers.filter((name) => probe[name] !== undefined);
  if (chosen.length === 0) errors.push(required(field, "must specify a handler type"));
  for (const extra of chosen.slice(1))
    errors.push(forbiddenField(`${field}.${extra}`, "may not specify more than 1 handler type"));
  for (const name of [
    "initialDelaySeconds",
    "timeoutSeconds",
    "periodSeconds",
    "successThreshold",
    "failureThreshold",
  ]) {
    const value = probe[name];
    if (typeof value === "number" && value < 0)
      errors.push(invalidValue(`${field}.${name}`, value, "must be greater than or equal to 0"));
  }
  if (mustSucceedOnce && probe["successThreshold"] !== 1)
    errors.push(invalidValue(`${field}.successThreshold`, probe["successThreshold"], "must be 1"));
  return errors;
}

function validateResources(resources: unknown, field: string): FieldError[] {
  if (!isMap(resources)) return [];
  return ["limits", "requests"].flatMap((side) =>
    Object.entries(isMap(resources[side]) ? resources[side] : {}).flatMap(([name, amount]) =>
      String(amount).startsWith("-")
        ? [invalidValue(`${field}.${side}[${name}]`, String(amount), "must be greater than or equal to 0")]
        : [],
    ),
  );
}

const portRange = "must be between 1 and 65535, inclusive";
export const isPort = (value: unknown) =>
  Number.isInteger(value) && (value as number) >= 1 && (value as number) <= 65535;

/** Source: k8s.io/apimachinery util/validation IsValidPortName. */
function portNameProblems(name: string): string[] {
  const problems: string[] = [];
  if (name.length > 15) problems.push("must be no more than 15 characters");
  if (!/^[-a-z0-9]+$/.test(name))
    problems.push("must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)");
  if (!/[a-z]/.test(name)) problems.push("must contain at least one letter (a-z)");
  if (name.includes("--")) problems.push("must not contain consecutive hyphens");
  if (name.startsWith("-") || name.endsWith("-")) problems.push("must not begin or end with a hyphen");
  return problems;
}
