import { join } from "node:path";
import { backoffMs } from "../../kube/backoff.ts";
import { pause } from "../../lib/clock.ts";
import { lastAttempt } from "./container-records.ts";
import type { PodContext } from "./pod-context.ts";
import { isMadeOfObjects, VolumeError } from "./volumes/content.ts";
import { makeVolumes, type VolumePaths } from "./volumes/mount.ts";

/** How often volumes made of objects are looked at anew. */
const volumeRefreshMs = 10_000;
const mountBackoff = { baseMs: 500, maxMs: 120_000 };

/** Makes the pod's volumes, again and again until it can be done; undefined when the pod is to end before. */
export async function setUpVolumes(context: PodContext): Promise<VolumePaths | undefined> {
  const { node, events, stopping } = context;
  const { spec } = context.pod();
  const names = [...spec.containers, ...(spec.initContainers ?? [])].map((container) => container.name);
  const begun = names.some((container) => lastAttempt(context, container) !== undefined);
  for (let failures = 1; !stopping.aborted; failures++) {
    try {
      return await makeAll(context, stopping);
    } catch (error) {
      if (stopping.aborted) return undefined;
      const { message } = error as Error;
      events.warning("FailedMount", error instanceof VolumeError ? message : `MountVolume.SetUp failed: ${message}`);
      // Containers of an earlier agent have their volumes, and must not go unattended for want of new contents.
      if (begun)
        return new Map((context.pod().spec.volumes ?? []).map(({ name }) => [name, join(below(context), name)]));
      await pause(node.clock, backoffMs(mountBackoff, failures), stopping);
    }
  }
  return undefined;
}

/** Brings volumes made of objects up to date for as long as the pod runs. */
export async function refreshVolumes(context: PodContext, until: AbortSignal): Promise<void> {
  if (!(context.pod().spec.volumes ?? []).some(isMadeOfObjects)) return;
  while (await pause(context.node.clock, volumeRefreshMs, until)) {
    await makeAll(context, until).catch((error) => {
      if (!until.aborted) context.events.warning("FailedMount", (error as Error).message);
    });
  }
}

function makeAll(context: PodContext, signal: AbortSignal): Promise<VolumePaths> {
  const { client, tokens, claimsDirectory } = context.node;
  return makeVolumes(context.pod(), below(context), claimsDirectory, { client, place: context.place, tokens, signal });
}

/** The directory of the pod's volumes. */
function below({ directory }: PodContext): string {
  return join(directory, "volumes");
}
