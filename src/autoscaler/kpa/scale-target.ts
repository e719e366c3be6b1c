import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { Deployment } from "../../apis/core/deployment.ts";
import { type Kind, referredKind } from "../../apis/kind.ts";
import type { KubeObject } from "../../apis/meta.ts";
import { revisionUidLabel } from "../../apis/serving/labels.ts";
import type { Client, Informers, Lister } from "../../kube/api.ts";

/** The objects whose replicas a PodAutoscaler sets: anything with `spec.replicas`, a Deployment as a rule. */
export interface ScaleTargets {
  /** Sets the replicas of the target of `pa` unless they are set so already; resolves with what they were. */
  scale(pa: PodAutoscaler, replicas: number): Promise<number>;
  /** What is set now, where the target is a Deployment that is in the cache. */
  present(pa: PodAutoscaler): number | undefined;
}

/** The Deployments of all revisions, without all but what says how many replicas they have. */
export function scalableDeploymentsOf(informers: Informers): Lister<Deployment> {
  return informers.of(Deployment, { labelSelector: revisionUidLabel, without: ["spec.template", "status"] });
}

type Scalable = KubeObject & { spec?: { replicas?: number } };

/** Deployments are read from the cache, other kinds from the API server. */
export function createScaleTargets(client: Client, deployments: Lister<Deployment>): ScaleTargets {
  const locate = ({ metadata, spec: { scaleTargetRef } }: PodAutoscaler) => {
    const kind: Kind<Scalable> = referredKind({ apiVersion: "apps/v1", kind: "Deployment", ...scaleTargetRef });
    const ref = { namespace: metadata.namespace!, name: scaleTargetRef.name ?? "" };
    const isDeployment = kind.kind === Deployment.kind && kind.group === Deployment.group;
    return { kind, ref, cached: isDeployment ? deployments.get(ref) : undefined };
  };
  return {
    present: (pa) => locate(pa).cached?.spec?.replicas,
    async scale(pa, replicas) {
      const { kind, ref, cached } = locate(pa);
      const target: Scalable = cached ?? (await client.of(kind).get(ref));
      const current = target.spec?.replicas ?? 1;
      if (current !== replicas) {
        await client.of(kind).patch(ref, {
          type: "json",
          body: [{ op: "add", path: "/spec/replicas", value: replicas }],
        });
      }
      return current;
    },
  };
}
