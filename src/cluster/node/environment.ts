import { ConfigMap } from "../../apis/core/configmap.ts";
import type { Pod } from "../../apis/core/pod.ts";
import type { Container, EnvVar } from "../../apis/core/pod-spec.ts";
import { Secret } from "../../apis/core/secret.ts";
import type { Service } from "../../apis/core/service.ts";
import type { Client } from "../../kube/api.ts";
import { isNotFound } from "../../kube/errors.ts";
import { fieldValue, type Place, resourceValue } from "./downward.ts";

/** The container's variables cannot be made yet: it waits with CreateContainerConfigError. */
export class ContainerConfigError extends Error {}

export interface EnvironmentSources {
  readonly client: Client;
  readonly services: readonly Service[];
  readonly place: Place;
  readonly signal: AbortSignal;
}

/**
 * The variables of a container, in the order in which later ones win: Services, envFrom, env. Values may use $(NAME) of
 * variables set before. Throws ContainerConfigError when something that it refers to is missing.
 * Source: k8s.io/kubernetes v1.34 kubelet makeEnvironmentVariables.
 */
export async function makeEnvironment(
  pod: Pod,
  container: Container,
  sources: EnvironmentSources,
): Promise<Record<string, string>> {
  const namespace = pod.metadata.namespace ?? "";
  const links = makeServiceVariables(sources.services, namespace, pod.spec.enableServiceLinks ?? true);
  const result: Record<string, string> = {};
  for (const { prefix = "", configMapRef, secretRef } of container.envFrom ?? []) {
    const source = configMapRef ?? secretRef;
    if (!source?.name) continue;
    const kind = configMapRef ? "configmap" : "secret";
    const data = await readKeys(kind, source.name, namespace, sources, source.optional ?? false);
    for (const [key, value] of Object.entries(data ?? {})) result[prefix + key] = value;
  }
  for (const variable of container.env ?? []) {
    const value = await valueOfVariable(variable, pod, container, { ...links, ...result }, sources);
    if (value !== undefined) result[variable.name] = value;
  }
  return { ...links, ...result };
}

async function valueOfVariable(
  { value, valueFrom }: EnvVar,
  pod: Pod,
  container: Container,
  known: Readonly<Record<string, string>>,
  sources: EnvironmentSources,
): Promise<string | undefined> {
  if (!valueFrom) return expand(value ?? "", known);
  const { fieldRef, resourceFieldRef, configMapKeyRef, secretKeyRef } = valueFrom;
  if (fieldRef?.fieldPath) return fieldValue(pod, fieldRef.fieldPath, sources.place);
  if (resourceFieldRef) {
    const named = resourceFieldRef.containerName;
    const meant = named ? pod.spec.containers.find(({ name }) => name === named) : container;
    return resourceValue(meant, resourceFieldRef, sources.place);
  }
  const kind = configMapKeyRef ? "configmap" : "secret";
  const reference = configMapKeyRef ?? secretKeyRef;
  if (!reference) return "";
  const { name = "", key, optional = false } = reference;
  const namespace = pod.metadata.namespace ?? "";
  const data = await readKeys(kind, name, namespace, sources, optional);
  const found = data?.[key];
  if (found === undefined && !optional) {
    const title = kind === "configmap" ? "ConfigMap" : "Secret";
    throw new ContainerConfigError(`couldn't find key ${key} in ${title} ${namespace}/${name}`);
  }
  return found;
}

/** The texts of a ConfigMap or Secret; undefined when it is missing and may be. */
async function readKeys(
  kind: "configmap" | "secret",
  name: string,
  namespace: string,
  { client, signal }: EnvironmentSources,
  optional: boolean,
): Promise<Record<string, string> | undefined> {
  try {
    if (kind === "configmap") return (await client.of(ConfigMap).get({ name, namespace }, signal)).data ?? {};
    const { data = {} } = await client.of(Secret).get({ name, namespace }, signal);
    const decode = (text: string) => Buffer.from(text, "base64").toString();
    return Object.fromEntries(Object.entries(data).map(([key, text]) => [key, decode(text)]));
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (optional) return undefined;
    throw new ContainerConfigError(`${kind} "${name}" not found`);
  }
}

/** Replaces $(NAME) by known variables; $$ is a dollar sign, unknown names stay. Source: third_party/forked/golang/expansion. */
export function expand(text: string, known: Readonly<Record<string, string>>): string {
  return text.replace(/\$(\$|\(([^)]*)\))/g, (whole, inner: string, name: string | undefined) => {
    if (inner === "$") return "$";
    return known[name ?? ""] ?? whole;
  });
}

/** The variables by which programs find Services, as docker links had them. Source: kubelet envvars.FromServices. */
export function makeServiceVariables(
  services: readonly Service[],
  namespace: string,
  links: boolean,
): Record<string, string> {
  const result: Record<string, string> = {};
  for (const { metadata, spec } of services) {
    const isMaster = metadata.namespace === "default" && metadata.name === "kubernetes";
    const host = spec?.clusterIP;
    const [first] = spec?.ports ?? [];
    if (!host || host === "None" || !first || (!isMaster && (!links || metadata.namespace !== namespace))) continue;
    const prefix = metadata.name.toUpperCase().replaceAll("-", "_");
    result[`${prefix}_SERVICE_HOST`] = host;
    result[`${prefix}_SERVICE_PORT`] = String(first.port);
    for (const [index, { name, port, protocol = "TCP" }] of (spec?.ports ?? []).entries()) {
      if (name) result[`${prefix}_SERVICE_PORT_${name.toUpperCase().replaceAll("-", "_")}`] = String(port);
      const url = `${protocol.toLowerCase()}://${host}:${port}`;
      if (index === 0) result[`${prefix}_PORT`] = url;
      const link = `${prefix}_PORT_${port}_${protocol}`;
      result[link] = url;
      result[`${link}_PROTO`] = protocol.toLowerCase();
      result[`${link}_PORT`] = String(port);
      result[`${link}_ADDR`] = host;
    }
  }
  return result;
}
