import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import { test } from "node:test";
import { parseAllDocuments } from "yaml";
import { podAutoscalerAdmission } from "../../src/apis/autoscaling/podautoscaler-admission.ts";
import type { PodAutoscaler } from "../../src/apis/autoscaling/podautoscaler.ts";
import type { Image } from "../../src/apis/caching/image.ts";
import type { Deployment } from "../../src/apis/core/deployment.ts";
import type { KubeObject } from "../../src/apis/meta.ts";
import type { Configuration } from "../../src/apis/serving/configuration.ts";
import {
  configurationGenerationLabel,
  routesAnnotation,
  routingStateLabel,
  routingStateModifiedAnnotation,
} from "../../src/apis/serving/labels.ts";
import type { Revision } from "../../src/apis/serving/revision.ts";
import { revisionAdmission } from "../../src/apis/serving/revision-admission.ts";
import type { Route } from "../../src/apis/serving/route.ts";
import type { KnativeService } from "../../src/apis/serving/service.ts";
import { parseServingConfig, type ServingConfig } from "../../src/config/serving-config.ts";
import { makeRevision } from "../../src/reconcilers/configuration/revision.ts";
import { makeDeployment } from "../../src/reconcilers/revision/deployment.ts";
import { driftOf } from "../../src/reconcilers/revision/deployment-drift.ts";
import { defaulted } from "../../src/reconcilers/defaulted.ts";
import { makeImage } from "../../src/reconcilers/revision/image.ts";
import { makePodAutoscaler } from "../../src/reconcilers/revision/pod-autoscaler.ts";
import { makeConfiguration } from "../../src/reconcilers/service/configuration.ts";
import { makeRoute } from "../../src/reconcilers/service/route.ts";

/** What the original hakn 1.12.2 (serving v0.39.3) made of a Service, recorded when it had settled. */
interface Golden {
  readonly scenario: string;
  /** What was configured beyond what we ship. */
  readonly configMaps?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly objects: readonly KubeObject[];
}

const folder = new URL("revisions/", import.meta.url);
const scenarios = readdirSync(folder).map((file) => JSON.parse(readFileSync(new URL(file, folder), "utf8")) as Golden);
// The recording has symbolic uids where objects are referred to, and leaves them out where they belong.
for (const { kind, metadata } of scenarios.flatMap(({ objects }) => objects)) {
  metadata.uid = `<uid ${kind}/${metadata.name}>`;
}

interface ConfigMapDocument {
  readonly metadata: { readonly name: string };
  readonly data?: Readonly<Record<string, string>>;
}
const manifests = readFileSync(new URL("../../manifests/config.yaml", import.meta.url), "utf8");
const shipped = Object.fromEntries(
  parseAllDocuments(manifests)
    .map((document) => document.toJS() as ConfigMapDocument | null)
    .flatMap((map) => (map ? [[map.metadata.name, map.data ?? {}]] : [])),
);

for (const { scenario, configMaps, objects } of scenarios) {
  const of = <T extends KubeObject>(apiVersion: string, kind: string) =>
    objects.filter((object): object is T => object.apiVersion === apiVersion && object.kind === kind);
  const serving = "serving.knative.dev/v1";
  const routes = of<Route>(serving, "Route");
  const deployments = of<Deployment>("apps/v1", "Deployment");
  const configurations = of<Configuration>(serving, "Configuration");

  for (const service of of<KnativeService>(serving, "Service")) {
    test(`${scenario}: Service ${service.metadata.name} becomes the Configuration and Route of the original`, () => {
      const named = ({ metadata }: KubeObject) => metadata.name === service.metadata.name;
      assert.deepEqual(essence(makeConfiguration(service)), essence(configurations.find(named)));
      assert.deepEqual(essence(makeRoute(service)), essence(routes.find(named)));
    });
  }

  for (const configuration of configurations) {
    const { latestCreatedRevisionName } = configuration.status ?? {};
    const revision = of<Revision>(serving, "Revision").find(
      ({ metadata }) =>
        metadata.name === latestCreatedRevisionName &&
        metadata.labels?.[configurationGenerationLabel] === String(configuration.metadata.generation),
    );
    // A Configuration whose last change was refused has none of that generation.
    if (!revision) continue;
    test(`${scenario}: Configuration ${configuration.metadata.name} becomes the Revision of the original`, () => {
      const made = makeRevision(configuration, 0);
      const admission = { config: configOf(deployments[0]!, configMaps), operation: "CREATE", old: undefined, subresource: "" } as const;
      revisionAdmission.setDefaults(made, { ...admission, userName: "" });
      assert.deepEqual(essence(unrouted(made)), essence(unrouted(revision)));
    });
  }

  for (const revision of of<Revision>(serving, "Revision")) {
    const { name } = revision.metadata;
    const deployment = deployments.find(({ metadata }) => metadata.name === `${name}-deployment`)!;
    test(`${scenario}: Revision ${name} becomes the Deployment of the original`, () => {
      const config = configOf(deployment, configMaps);
      const installation = { systemNamespace: "knative-serving", metricsDomain: "chainguard.dev/hakn" };
      const drift = driftOf(deployment, asAtVersion039(makeDeployment(revision, config, installation)));
      assert.deepEqual(drift?.spec.template.spec, undefined);
    });
    test(`${scenario}: Revision ${name} becomes the PodAutoscaler and Images of the original`, () => {
      const autoscaler = of<PodAutoscaler>("autoscaling.internal.knative.dev/v1alpha1", "PodAutoscaler").find(
        ({ metadata }) => metadata.name === name,
      );
      const admitted = defaulted(makePodAutoscaler(revision, deployment), podAutoscalerAdmission, configOf(deployment, configMaps));
      assert.deepEqual(essence(admitted), essence(autoscaler));
      for (const { name: container = "", imageDigest = "" } of revision.status?.containerStatuses ?? []) {
        const image = of<Image>("caching.internal.knative.dev/v1alpha1", "Image").find(
          ({ metadata }) => metadata.name === `${name}-cache-${container}`,
        );
        assert.deepEqual(essence(makeImage(revision, container, imageDigest)), essence(image));
      }
    });
  }
}

/** The configuration that we ship, with what the scenario changed and the sidecar image of the recording. */
function configOf(deployment: Deployment, configMaps: Golden["configMaps"] = {}): ServingConfig {
  const sidecar = deployment.spec.template.spec?.containers.find((container) => container.name === "queue-proxy");
  const changed = { "queue-sidecar-image": sidecar?.image ?? "", "default-affinity-type": "none" };
  const maps = { ...shipped, ...configMaps };
  const own = { ...shipped["config-deployment"], ...configMaps["config-deployment"], ...changed };
  return parseServingConfig({ ...maps, "config-deployment": own });
}

/** Environment variables that queue-proxy has got since serving v0.39.3. */
const newVariables = ["ENABLE_HTTP_FULL_DUPLEX", "ENABLE_MULTI_CONTAINER_PROBES"];

function asAtVersion039(deployment: Deployment): Deployment {
  const copy = structuredClone(deployment);
  for (const container of copy.spec.template.spec?.containers ?? []) {
    if (container.env) container.env = container.env.filter(({ name }) => !newVariables.includes(name));
  }
  return copy;
}

/** Without what the labeler wrote on it since it was made. */
function unrouted(revision: Revision): Revision {
  const { [routingStateLabel]: _, ...labels } = revision.metadata.labels ?? {};
  const { [routesAnnotation]: __, ...annotations } = revision.metadata.annotations ?? {};
  return { ...revision, metadata: { ...revision.metadata, labels, annotations } };
}

/** What we decide of an object: not what the server adds, not when it was made, and nothing where nothing is. */
function essence(object: KubeObject | undefined): unknown {
  assert.ok(object, "the recording has the object");
  const { name, namespace, labels, annotations, ownerReferences } = object.metadata;
  const { [routingStateModifiedAnnotation]: _, ...kept } = annotations ?? {};
  const { spec } = object as KubeObject & { spec?: unknown };
  return something({ name, namespace, labels, annotations: kept, ownerReferences, spec });
}

function something(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(something);
  if (typeof value !== "object" || value === null) return value;
  const entries = Object.entries(value).map(([key, part]) => [key, something(part)] as const);
  return Object.fromEntries(entries.filter(([, part]) => !isNothing(part)));
}

function isNothing(value: unknown): boolean {
  if (value === undefined || value === null || value === "" || value === 0) return true;
  return typeof value === "object" && Object.keys(value).length === 0;
}
