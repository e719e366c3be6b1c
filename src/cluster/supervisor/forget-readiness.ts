import { isPodReady, Pod } from "../../apis/core/pod.ts";
import type { Client } from "../../kube/api.ts";
import { isNotFound } from "../../kube/errors.ts";

/**
 * Says of every pod that it is not ready. When a cluster starts, none of its containers runs, whatever was stored when
 * it ended; nobody should send requests to a pod before its node has spoken of it anew.
 */
export async function forgetReadiness(client: Client): Promise<void> {
  const pods = client.of(Pod);
  const { items } = await pods.list();
  for (const pod of items) {
    if (!isPodReady(pod)) continue;
    const { metadata, status } = pod;
    const conditions = (status?.conditions ?? []).map((condition) =>
      condition.type === "Ready" || condition.type === "ContainersReady"
        ? { ...condition, status: "False", reason: "NodeRestarted" }
        : condition,
    );
    const containerStatuses = (status?.containerStatuses ?? []).map((container) => ({
      ...container,
      ready: false,
      started: false,
    }));
    const { name, namespace = "" } = metadata;
    try {
      const body = { status: { conditions, containerStatuses } };
      await pods.patch({ name, namespace }, { type: "merge", body }, { subresource: "status" });
    } catch (error) {
      if (!isNotFound(error)) throw error;
    }
  }
}
