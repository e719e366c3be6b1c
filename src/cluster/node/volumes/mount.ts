import { copyFile, cp, lstat, mkdir, rm, stat, symlink } from "node:fs/promises";
import { dirname, join, normalize } from "node:path";
import type { Pod } from "../../../apis/core/pod.ts";
import type { Container, Volume } from "../../../apis/core/pod-spec.ts";
import { expand } from "../environment.ts";
import { writeAtomically } from "./atomic-writer.ts";
import { type ContentSources, isMadeOfObjects, VolumeError, volumeFiles } from "./content.ts";

/** Where the volumes of a pod lie, by name. */
export type VolumePaths = ReadonlyMap<string, string>;

/** Makes the volumes of a pod, or brings them up to date, below `directory`. Claims of all pods lie below `claims`. */
export async function makeVolumes(
  pod: Pod,
  directory: string,
  claims: string,
  sources: ContentSources,
): Promise<VolumePaths> {
  const paths = new Map<string, string>();
  for (const volume of pod.spec.volumes ?? []) {
    try {
      paths.set(volume.name, await makeVolume(volume, pod, join(directory, volume.name), claims, sources));
    } catch (error) {
      if (!(error instanceof VolumeError)) throw error;
      throw new VolumeError(`MountVolume.SetUp failed for volume "${volume.name}" : ${error.message}`);
    }
  }
  return paths;
}

async function makeVolume(
  volume: Volume,
  pod: Pod,
  path: string,
  claims: string,
  sources: ContentSources,
): Promise<string> {
  if (isMadeOfObjects(volume)) {
    await writeAtomically(path, await volumeFiles(volume, pod, sources));
    return path;
  }
  if (volume.emptyDir) {
    await mkdir(path, { recursive: true, mode: 0o777 });
    return path;
  }
  if (volume.hostPath) {
    const { type } = volume.hostPath;
    const found = await stat(volume.hostPath.path).catch(() => undefined);
    if (type === "DirectoryOrCreate") await mkdir(volume.hostPath.path, { recursive: true });
    else if (type && !found)
      throw new VolumeError(`hostPath type check failed: ${volume.hostPath.path} is not a ${type}`);
    return volume.hostPath.path;
  }
  if (volume.persistentVolumeClaim) {
    const claim = join(claims, pod.metadata.namespace ?? "", volume.persistentVolumeClaim.claimName);
    await mkdir(claim, { recursive: true });
    return claim;
  }
  const kind = Object.keys(volume).find((field) => field !== "name") ?? "unknown";
  throw new VolumeError(`volumes of type ${kind} are not supported by the embedded cluster`);
}

/**
 * Makes the volumes of one container appear at their mount paths below `root`. Mount paths lead to the volume itself,
 * so changes show up; a sub-path of a volume made of objects is a copy, which keeps its contents, as with the kubelet.
 */
export async function mountVolumes(
  pod: Pod,
  container: Container,
  volumes: VolumePaths,
  root: string,
  env: Readonly<Record<string, string>>,
): Promise<void> {
  // Outer paths first, so that inner ones end up inside of them.
  const mounts = [...(container.volumeMounts ?? [])].sort((a, b) => a.mountPath.length - b.mountPath.length);
  for (const { name, mountPath, subPath, subPathExpr } of mounts) {
    const volume = pod.spec.volumes?.find((candidate) => candidate.name === name);
    const path = volumes.get(name);
    if (!volume || path === undefined) throw new VolumeError(`volume "${name}" is not in the pod`);
    const inside = subPathExpr !== undefined ? expand(subPathExpr, env) : (subPath ?? "");
    if (normalize(`/${inside}`) !== normalize(join("/", inside)) || inside.split("/").includes("..")) {
      throw new VolumeError(`the sub-path ${inside} of volume "${name}" leads out of it`);
    }
    const source = join(path, inside);
    const target = join(root, mountPath);
    await mkdir(dirname(target), { recursive: true });
    if ((await lstat(target).catch(() => undefined)) !== undefined) await rm(target, { recursive: true, force: true });
    if (inside === "") await symlink(source, target);
    else await mountSubPath(volume, source, target);
  }
}

async function mountSubPath(volume: Volume, source: string, target: string): Promise<void> {
  const found = await stat(source).catch(() => undefined);
  if (!isMadeOfObjects(volume)) {
    if (!found) await mkdir(source, { recursive: true });
    await symlink(source, target);
  } else if (!found) await mkdir(target, { recursive: true });
  else if (found.isDirectory()) await cp(source, target, { recursive: true, dereference: true });
  else await copyFile(source, target);
}
