import { test } from "node:test";
import type { PodAutoscaler } from "../../apis/autoscaling/podautoscaler.ts";
import type { Deployment } from "../../apis/core/deployment.ts";
import type { KubeObject } from "../../apis/meta.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import type { ClusterAccess } from "../../kube/api.ts";
import { assertReport, type Expected } from "../../testing/assert-report.ts";
import type { Induce } from "../../testing/fake-client.ts";
import { conditions, testRevision } from "../../testing/serving-objects.ts";
import { type Row, reconcileOnce } from "../../testing/table.ts";
import { makeDeployment } from "./deployment.ts";
import type { DigestState } from "./digest/resolver.ts";
import { makeImage } from "./image.ts";
import { makePodAutoscaler } from "./pod-autoscaler.ts";
import { type RevisionDeps, revisionReconciler } from "./reconcile.ts";

/** What reconcileRevision has in a test's world, where `digests` is what the registry said. */
export function revisionDeps(
  access: ClusterAccess,
  digests: DigestState,
  installation: RevisionDeps["installation"],
): RevisionDeps {
  const unused = () => Promise.reject(new Error("the resolver is a fake"));
  return revisionReconciler.deps(access, {
    installation,
    digests: { stateOf: () => digests, settled: async () => {}, forget() {}, onResult() {}, close() {} },
    registry: { digestOf: unused },
    pullSecrets: { keyringOf: unused },
    keychains: [],
    ensureCertificate: async () => {},
  });
}

export const config = parseServingConfig({ "config-deployment": { "queue-sidecar-image": "queue:test" } });
export const installation = { systemNamespace: "knative-serving", metricsDomain: "knative.dev/internal/serving" };
export const tag = "ghcr.io/acme/app:v1";
const pinned = "ghcr.io/acme/app@sha256:0123";
const containerStatuses = [{ name: "user-container", imageDigest: pinned }];
const resolved: DigestState = { is: "resolved", images: new Map([[tag, { pinned }]]) };

/** What a pass of a test meets beside its objects. */
export interface PassOptions {
  readonly digests?: DigestState;
  readonly induce?: readonly Induce[];
  readonly config?: ServingConfig;
}

/** One pass over the revision of these tests. */
export const rowOf = (
  objects: readonly KubeObject[],
  { digests = resolved, induce = [], config: own = config }: PassOptions = {},
): Row<Revision, RevisionDeps, ServingConfig> => ({
  ...revisionReconciler,
  key: "ns/hello-00001",
  objects,
  induce,
  config: own,
  deps: (world) => revisionDeps(world, digests, installation),
});
export const run = (...args: Parameters<typeof rowOf>) => reconcileOnce(rowOf(...args));

/** A row of a table: what one pass over these objects does. */
export interface Case extends Expected {
  readonly name: string;
  readonly objects: readonly KubeObject[];
  readonly options?: PassOptions;
}

/** Makes a test of each row. */
export function testPasses(cases: readonly Case[]): void {
  for (const { name, objects, options, ...expected } of cases) {
    test(name, async () => assertReport(await run(objects, options), expected));
  }
}

/** The revision before its first pass. */
export const bare = testRevision(1, {
  metadata: { labels: { "serving.knative.dev/routingState": "active" } },
  status: {},
});
export const pinnedRevision = (status: Revision["status"] = {}): Revision => ({
  ...bare,
  status: { observedGeneration: 1, ...status, containerStatuses },
});
export const readyRevision = pinnedRevision(
  conditions({ Ready: "True", ResourcesAvailable: "True", ContainerHealthy: "True", Active: "True" }),
);

/** The revision's Deployment as it is stored. */
export function deployment(status: Deployment["status"] = {}, more: Partial<Deployment["spec"]> = {}): Deployment {
  const made = makeDeployment(pinnedRevision(), config, installation);
  return {
    ...made,
    metadata: { ...made.metadata, uid: "uid-deployment", generation: 1, resourceVersion: "1" },
    spec: { ...made.spec, ...more },
    status: { observedGeneration: 1, ...status },
  };
}
export const progressing = { type: "Progressing", status: "True", reason: "NewReplicaSetAvailable" } as const;
/** All its pods are ready. */
export const up = deployment({
  replicas: 1,
  updatedReplicas: 1,
  readyReplicas: 1,
  availableReplicas: 1,
  conditions: [progressing],
});

/** The revision's PodAutoscaler as it is stored. */
export function autoscaler(states: Parameters<typeof conditions>[0]): PodAutoscaler {
  const made = makePodAutoscaler(pinnedRevision(), undefined);
  return {
    ...made,
    metadata: { ...made.metadata, resourceVersion: "1", uid: "uid-pa" },
    status: {
      serviceName: "hello-00001",
      metricsServiceName: "m",
      actualScale: 1,
      desiredScale: 1,
      ...conditions(states),
    },
  };
}
export const scaling = autoscaler({ Ready: ["Unknown", "Queued", "wait"], ScaleTargetInitialized: "Unknown" });
export const scaled = autoscaler({ Ready: "True", ScaleTargetInitialized: "True" });
export const image = {
  ...makeImage(bare, "user-container", pinned),
  metadata: { ...makeImage(bare, "user-container", pinned).metadata, uid: "uid-image" },
};
