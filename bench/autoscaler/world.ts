import { randomUUID } from "node:crypto";
import { join } from "node:path";
import { PodAutoscaler } from "../../src/apis/autoscaling/podautoscaler.ts";
import { ConfigMap } from "../../src/apis/core/configmap.ts";
import { Deployment } from "../../src/apis/core/deployment.ts";
import { Namespace } from "../../src/apis/core/namespace.ts";
import { Pod } from "../../src/apis/core/pod.ts";
import { Service } from "../../src/apis/core/service.ts";
import { ServiceAccount } from "../../src/apis/core/serviceaccount.ts";
import { controllerReference } from "../../src/apis/meta.ts";
import { ServerlessService } from "../../src/apis/networking/serverlessservice.ts";
import { configurationLabel, revisionLabel, revisionUidLabel, serviceLabel } from "../../src/apis/serving/labels.ts";
import { makeServerlessService } from "../../src/autoscaler/serverlessservice.ts";
import { readManifests } from "../../src/cluster/manifests.ts";
import type { Client } from "../../src/kube/api.ts";
import { addressOf } from "./addresses.ts";

const system = "knative-serving";
const writers = 32;

export interface World {
  readonly revisions: number;
  readonly pods: number;
}

/** Makes what an autoscaler finds in a cluster: definitions, settings, and revisions whose pods are all ready. */
export async function makeWorld(client: Client, root: string, world: World): Promise<void> {
  for (const definition of readManifests(join(root, "manifests/crds"))) {
    await client.raw("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition);
  }
  await client.of(Namespace).create({ apiVersion: "v1", kind: "Namespace", metadata: { name: system } } as Namespace);
  // No controllers run that would make it, and no pod is admitted without.
  await client
    .of(ServiceAccount)
    .create({ apiVersion: "v1", kind: "ServiceAccount", metadata: { namespace: "default", name: "default" } });
  const maps: Record<string, Record<string, string>> = {
    "config-autoscaler": { "min-scale": "2", "max-scale": "30", "target-burst-capacity": "0" },
    "config-deployment": { "queue-sidecar-image": "example.com/queue", queueSidecarImage: "example.com/queue" },
    "config-logging": { "loglevel.autoscaler": "error", "zap-logger-config": zapConfig },
    "config-observability": { "metrics.backend-destination": "prometheus" },
    "config-leader-election": { buckets: "1" },
    "config-defaults": {},
    "config-network": {},
    "config-features": {},
    "config-gc": {},
    "config-domain": {},
    "config-tracing": {},
    "config-istio": {},
  };
  for (const [name, data] of Object.entries(maps)) {
    await client
      .of(ConfigMap)
      .create({ apiVersion: "v1", kind: "ConfigMap", metadata: { namespace: system, name }, data });
  }
  await inParallel(world.revisions, (revision) => makeRevision(client, revision, world));
}

const zapConfig = JSON.stringify({
  level: "error",
  outputPaths: ["stderr"],
  errorOutputPaths: ["stderr"],
  encoding: "json",
  encoderConfig: {},
});

async function makeRevision(client: Client, revision: number, { pods }: World): Promise<void> {
  const service = `load-${revision}`;
  const name = `${service}-00001`;
  const uid = randomUUID();
  const labels = {
    [serviceLabel]: service,
    [configurationLabel]: service,
    [revisionLabel]: name,
    [revisionUidLabel]: uid,
    app: name,
  };
  const namespace = "default";
  const template = {
    metadata: { labels },
    spec: { containers: [container("user-container"), container("queue-proxy")] },
  };
  await client.of(Deployment).create({
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { namespace, name: `${name}-deployment`, labels },
    spec: { replicas: pods, selector: { matchLabels: { [revisionUidLabel]: uid } }, template },
  } as Deployment);
  const pa = await client.of(PodAutoscaler).create({
    apiVersion: "autoscaling.internal.knative.dev/v1alpha1",
    kind: "PodAutoscaler",
    metadata: {
      namespace,
      name,
      labels,
      annotations: {
        "autoscaling.knative.dev/class": "kpa.autoscaling.knative.dev",
        "autoscaling.knative.dev/metric": "concurrency",
        "autoscaling.knative.dev/min-scale": String(pods),
      },
    },
    spec: {
      containerConcurrency: 100,
      protocolType: "http1",
      reachability: "Reachable",
      scaleTargetRef: { apiVersion: "apps/v1", kind: "Deployment", name: `${name}-deployment` },
    },
  });
  // As both autoscalers would make it, so that neither has to.
  const sks = await client.of(ServerlessService).create(makeServerlessService(pa, "Serve", 2));
  await client.of(Service).create({
    apiVersion: "v1",
    kind: "Service",
    metadata: { namespace, name: `${name}-private`, labels, ownerReferences: [controllerReference(sks)] },
    spec: { selector: { [revisionUidLabel]: uid }, ports: [{ name: "http-autometric", port: 9090 }] },
  } as Service);
  await client.of(ServerlessService).updateStatus({
    ...sks,
    status: {
      observedGeneration: sks.metadata.generation ?? 1,
      serviceName: name,
      privateServiceName: `${name}-private`,
      conditions: ["Ready", "EndpointsPopulated"].map((type) => ({
        type,
        status: "True" as const,
        lastTransitionTime: "2024-01-01T00:00:00Z",
      })),
    },
  });
  for (let pod = 0; pod < pods; pod++) {
    const made = await client.of(Pod).create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { namespace, name: `${name}-deployment-${pod}`, labels },
      spec: { ...template.spec, nodeName: "node" },
    } as Pod);
    await client.of(Pod).updateStatus({
      ...made,
      status: {
        phase: "Running",
        podIP: addressOf(revision, pod, pods),
        startTime: "2024-01-01T00:00:00Z",
        conditions: [{ type: "Ready", status: "True" }],
        containerStatuses: template.spec.containers.map(({ name: container }) => ({
          name: container,
          ready: true,
          restartCount: 0,
          image: "example.com/app",
          imageID: "example.com/app@sha256:0",
        })),
      },
    } as Pod);
  }
}

/** As long as the ones of real pods are. */
function container(name: string) {
  return {
    name,
    image: "example.com/app@sha256:0000000000000000000000000000000000000000000000000000000000000000",
    env: Array.from({ length: 30 }, (_, index) => ({ name: `SETTING_${index}`, value: `value of setting ${index}` })),
    ports: [{ name: "user-port", containerPort: name === "queue-proxy" ? 8012 : 8080 }],
  };
}

async function inParallel(count: number, run: (index: number) => Promise<void>): Promise<void> {
  let next = 0;
  const work = async () => {
    while (next < count) await run(next++);
  };
  await Promise.all(Array.from({ length: writers }, work));
}
