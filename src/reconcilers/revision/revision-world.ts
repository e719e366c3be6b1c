import { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import { Image } from "../../apis/caching/image.ts";
import { Deployment } from "../../apis/core/deployment.ts";
import { Event } from "../../apis/core/event.ts";
import { Pod } from "../../apis/core/pod.ts";
import type { World } from "../../testing/table.ts";
import type { DigestState } from "./digest/resolver.ts";
import { indexTroubles, type RevisionDeps } from "./reconcile.ts";
import { createWaves } from "./waves.ts";

/** What reconcileRevision has in a test's world, where `digests` is what the registry said. */
export function revisionDeps(
  { client, informers }: World,
  digests: DigestState,
  installation: RevisionDeps["installation"],
): RevisionDeps {
  const pods = informers.of(Pod);
  const warnings = informers.of(Event);
  indexTroubles(pods, warnings);
  const deployments = informers.of(Deployment);
  const unused = () => Promise.reject(new Error("the resolver is a fake"));
  return {
    deployments,
    podAutoscalers: informers.of(PodAutoscaler),
    images: informers.of(Image),
    writeDeployments: client.of(Deployment),
    writePodAutoscalers: client.of(PodAutoscaler),
    writeImages: client.of(Image),
    installation,
    waves: createWaves(deployments),
    futile: new Map(),
    digests: { stateOf: () => digests, settled: async () => {}, forget() {}, onResult() {}, close() {} },
    registry: { digestOf: unused },
    pullSecrets: { keyringOf: unused },
    pods,
    warnings,
    ensureCertificate: async () => {},
  };
}
