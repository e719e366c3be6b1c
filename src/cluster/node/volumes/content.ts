import { ConfigMap } from "../../../apis/core/configmap.ts";
import type { Pod } from "../../../apis/core/pod.ts";
import type { Volume } from "../../../apis/core/pod-spec.ts";
import { Secret } from "../../../apis/core/secret.ts";
import type { KeyToPath, VolumeProjection } from "../../../apis/core/volume.ts";
import type { Client } from "../../../kube/api.ts";
import { isNotFound } from "../../../kube/errors.ts";
import { fieldValue, type Place, resourceValue } from "../downward.ts";
import type { Files } from "./atomic-writer.ts";
import type { TokenSource } from "./token.ts";

/** What a volume needs is not there yet; the message is the kubelet's. */
export class VolumeError extends Error {}

export interface ContentSources {
  readonly client: Client;
  readonly place: Place;
  readonly tokens: TokenSource;
  readonly signal: AbortSignal;
}

/** Whether the volume's files are made from objects of the API, and so may change while the pod runs. */
export function isMadeOfObjects(volume: Volume): boolean {
  return Boolean(volume.configMap || volume.secret || volume.projected || volume.downwardAPI);
}

const usualMode = 0o644;

/** The files of a volume that is made of objects. Throws VolumeError when a needed object or key is missing. */
export async function volumeFiles(volume: Volume, pod: Pod, sources: ContentSources): Promise<Files> {
  const { configMap, secret, downwardAPI, projected } = volume;
  if (projected) {
    const mode = projected.defaultMode ?? usualMode;
    const parts = await Promise.all((projected.sources ?? []).map((part) => projectionFiles(part, mode, pod, sources)));
    return new Map(parts.flatMap((files) => [...files]));
  }
  if (secret) {
    const { secretName, ...rest } = secret;
    return projectionFiles(
      { secret: { ...rest, name: secretName ?? "" } },
      secret.defaultMode ?? usualMode,
      pod,
      sources,
    );
  }
  if (configMap) return projectionFiles({ configMap }, configMap.defaultMode ?? usualMode, pod, sources);
  if (downwardAPI) return projectionFiles({ downwardAPI }, downwardAPI.defaultMode ?? usualMode, pod, sources);
  throw new Error(`volume "${volume.name}" is not made of objects`);
}

async function projectionFiles(
  { secret, configMap, downwardAPI, serviceAccountToken, clusterTrustBundle }: VolumeProjection,
  defaultMode: number,
  pod: Pod,
  sources: ContentSources,
): Promise<Files> {
  if (secret) {
    const data = await readData("secret", secret.name ?? "", pod, sources, secret.optional ?? false);
    return pick(data, secret.items, defaultMode, secret.optional ?? false, "secret");
  }
  if (configMap) {
    const data = await readData("configmap", configMap.name ?? "", pod, sources, configMap.optional ?? false);
    return pick(data, configMap.items, defaultMode, configMap.optional ?? false, "config");
  }
  if (serviceAccountToken) {
    const token = await sources.tokens.token(pod, serviceAccountToken, sources.signal);
    return new Map([[serviceAccountToken.path, { content: Buffer.from(token), mode: defaultMode }]]);
  }
  if (clusterTrustBundle)
    throw new VolumeError("volumes of ClusterTrustBundles are not supported by the embedded cluster");
  const files = new Map<string, { content: Buffer; mode: number }>();
  for (const { path, mode, fieldRef, resourceFieldRef } of downwardAPI?.items ?? []) {
    const container = pod.spec.containers.find(({ name }) => name === resourceFieldRef?.containerName);
    const text = fieldRef?.fieldPath
      ? fieldValue(pod, fieldRef.fieldPath, sources.place)
      : resourceValue(container, resourceFieldRef ?? { resource: "" }, sources.place);
    files.set(path, { content: Buffer.from(text), mode: mode ?? defaultMode });
  }
  return files;
}

type Data = ReadonlyMap<string, Buffer>;

async function readData(
  kind: "secret" | "configmap",
  name: string,
  pod: Pod,
  { client, signal }: ContentSources,
  optional: boolean,
): Promise<Data> {
  const namespace = pod.metadata.namespace ?? "";
  const decoded = (data: Readonly<Record<string, string>> = {}) =>
    Object.entries(data).map(([key, text]) => [key, Buffer.from(text, "base64")] as const);
  try {
    if (kind === "secret") return new Map(decoded((await client.of(Secret).get({ name, namespace }, signal)).data));
    const { data = {}, binaryData } = await client.of(ConfigMap).get({ name, namespace }, signal);
    const texts = Object.entries(data).map(([key, text]) => [key, Buffer.from(text)] as const);
    return new Map([...texts, ...decoded(binaryData)]);
  } catch (error) {
    if (!isNotFound(error)) throw error;
    if (optional) return new Map();
    throw new VolumeError(`${kind} "${name}" not found`);
  }
}

/** The keys as files: all of them, or those of `items`, which may give them other paths and modes. */
function pick(
  data: Data,
  items: readonly KeyToPath[] | undefined,
  defaultMode: number,
  optional: boolean,
  what: "secret" | "config",
): Files {
  if (!items?.length) return new Map([...data].map(([key, content]) => [key, { content, mode: defaultMode }]));
  const files = new Map<string, { content: Buffer; mode: number }>();
  for (const { key, path, mode } of items) {
    const content = data.get(key);
    if (content) files.set(path, { content, mode: mode ?? defaultMode });
    else if (!optional) throw new VolumeError(`references non-existent ${what} key: ${key}`);
  }
  return files;
}
