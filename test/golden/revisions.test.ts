import assert from "node:assert/strict";
import { test } from "node:test";
import { PodAutoscaler } from "../../src/apis/autoscaling/podautoscaler.ts";
import { podAutoscalerAdmission } from "../../src/apis/autoscaling/podautoscaler-admission.ts";
import { Image } from "../../src/apis/caching/image.ts";
import { Deployment } from "../../src/apis/core/deployment.ts";
import type { KubeObject } from "../../src/apis/meta.ts";
import { Configuration } from "../../src/apis/serving/configuration.ts";
import {
  configurationGenerationLabel,
  routesAnnotation,
  routingStateLabel,
  routingStateModifiedAnnotation,
} from "../../src/apis/serving/labels.ts";
import { Revision } from "../../src/apis/serving/revision.ts";
import { revisionAdmission } from "../../src/apis/serving/revision-admission.ts";
import { Route } from "../../src/apis/serving/route.ts";
import { KnativeService } from "../../src/apis/serving/service.ts";
import { makeRevision } from "../../src/reconcilers/configuration/revision.ts";
import { defaulted } from "../../src/reconcilers/defaulted.ts";
import { makeDeployment } from "../../src/reconcilers/revision/deployment.ts";
import { driftOf } from "../../src/reconcilers/revision/deployment-drift.ts";
import { makeImage } from "../../src/reconcilers/revision/image.ts";
import { makePodAutoscaler } from "../../src/reconcilers/revision/pod-autoscaler.ts";
import { makeConfiguration } from "../../src/reconcilers/service/configuration.ts";
import { makeRoute } from "../../src/reconcilers/service/route.ts";
import { essence, objectsOf, scenarios } from "./recorded.ts";

const installation = { systemNamespace: "knative-serving", metricsDomain: "chainguard.dev/hakn" };

for (const { name: scenario, config, steps } of scenarios) {
  // Only the last state: what a Service was before its change is gone from what was made of it.
  const settled = steps.findLast((step) => objectsOf(step, Revision).length > 0);
  if (!settled) continue;
  const routes = objectsOf(settled, Route);
  const deployments = objectsOf(settled, Deployment);
  const configurations = objectsOf(settled, Configuration);

  for (const service of objectsOf(settled, KnativeService)) {
    // A Service whose names are others' gets neither.
    if (!routes.some(({ metadata }) => metadata.name === service.metadata.name)) continue;
    test(`${scenario}: Service ${service.metadata.name} becomes the Configuration and Route of the original`, () => {
      const named = ({ metadata }: KubeObject) => metadata.name === service.metadata.name;
      assert.deepEqual(essenceOf(makeConfiguration(service)), essenceOf(configurations.find(named)));
      assert.deepEqual(essenceOf(makeRoute(service)), essenceOf(routes.find(named)));
    });
  }

  for (const configuration of configurations) {
    const { latestCreatedRevisionName } = configuration.status ?? {};
    const revision = objectsOf(settled, Revision).find(
      ({ metadata }) =>
        metadata.name === latestCreatedRevisionName &&
        metadata.labels?.[configurationGenerationLabel] === String(configuration.metadata.generation),
    );
    // A Configuration whose last change was refused has none of that generation.
    if (!revision) continue;
    test(`${scenario}: Configuration ${configuration.metadata.name} becomes the Revision of the original`, () => {
      const made = structuredClone(makeRevision(configuration, 0));
      const admission = { config, operation: "CREATE", old: undefined, subresource: "" } as const;
      revisionAdmission.setDefaults(made, { ...admission, userName: "" });
      assert.deepEqual(essenceOf(unrouted(made)), essenceOf(unrouted(revision)));
    });
  }

  for (const revision of objectsOf(settled, Revision)) {
    const { name } = revision.metadata;
    const deployment = deployments.find(({ metadata }) => metadata.name === `${name}-deployment`)!;
    test(`${scenario}: Revision ${name} becomes the Deployment of the original`, () => {
      const drift = driftOf(
        withoutKubeletProbe(deployment),
        asAtVersion039(makeDeployment(revision, config, installation)),
      );
      assert.deepEqual(drift?.spec.template.spec, undefined);
    });
    test(`${scenario}: Revision ${name} becomes the PodAutoscaler and Images of the original`, () => {
      const autoscaler = objectsOf(settled, PodAutoscaler).find(({ metadata }) => metadata.name === name);
      const admitted = defaulted(makePodAutoscaler(revision, deployment), podAutoscalerAdmission, config);
      assert.deepEqual(essenceOf(admitted), essenceOf(autoscaler));
      for (const { name: container = "", imageDigest = "" } of revision.status?.containerStatuses ?? []) {
        const image: Image | undefined = objectsOf(settled, Image).find(
          ({ metadata }) => metadata.name === `${name}-cache-${container}`,
        );
        assert.deepEqual(essenceOf(makeImage(revision, container, imageDigest)), essenceOf(image));
      }
    });
  }
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

/** Serving v0.39.3 gave the user's HTTP probes a header that v0.42.2 does not. */
function withoutKubeletProbe(deployment: Deployment): Deployment {
  const copy = structuredClone(deployment);
  for (const { livenessProbe, env = [] } of copy.spec.template.spec?.containers ?? []) {
    if (livenessProbe?.httpGet) delete livenessProbe.httpGet.httpHeaders;
    const header = ',"httpHeaders":[{"name":"K-Kubelet-Probe","value":"queue"}]';
    for (const variable of env) if (variable.value) variable.value = variable.value.replace(header, "");
  }
  return copy;
}

/** Without what the labeler wrote on it since it was made. */
function unrouted(revision: Revision): Revision {
  const { [routingStateLabel]: _, ...labels } = revision.metadata.labels ?? {};
  const { [routesAnnotation]: __, ...annotations } = revision.metadata.annotations ?? {};
  return { ...revision, metadata: { ...revision.metadata, labels, annotations } };
}

/** What we decide of an object, but not when it was made. */
function essenceOf(object: KubeObject | undefined): unknown {
  assert.ok(object, "the recording has the object");
  const { [routingStateModifiedAnnotation]: _, ...annotations } = object.metadata.annotations ?? {};
  return essence({ ...object, metadata: { ...object.metadata, annotations } });
}
