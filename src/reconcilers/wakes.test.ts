import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject, ObjectMeta } from "../apis/meta.ts";
import { defaultServingConfig, type ServingConfig } from "../config/serving-config.ts";
import { conditions, testConfiguration, testRevision, testRoute, testService } from "../testing/serving-objects.ts";
import { childOf, keysWokenBy, plainObject, type Wake } from "../testing/wakes.ts";
import { startConfigurationController } from "./configuration/controller.ts";
import { startDomainMappingController } from "./domainmapping/controller.ts";
import { startGcController } from "./gc/controller.ts";
import { startLabelerController } from "./labeler/controller.ts";
import { startRevisionController } from "./revision/controller.ts";
import { startRouteController } from "./route/controller.ts";
import { startServerlessServiceController } from "./serverlessservice/controller.ts";
import { startServiceController } from "./service/controller.ts";

type Start = Wake<ServingConfig>["start"];

interface Rows {
  readonly start: Start;
  readonly objects: readonly KubeObject[];
  /** For those that only a pass tells what they depend on. */
  readonly works?: boolean;
  /** Who is looked at when such an object appears, changes (given before and after) or goes. */
  readonly rows: readonly (readonly [
    what: string,
    object: KubeObject | readonly [before: KubeObject, after: KubeObject],
    keys: readonly string[],
  ])[];
}

const later = <T extends KubeObject>(object: T, changes: Partial<ObjectMeta> & { status?: unknown } = {}): T => {
  const { status = (object as { status?: unknown }).status, ...metadata } = changes;
  return { ...object, metadata: { ...object.metadata, resourceVersion: "2", ...metadata }, status };
};

const service = testService();
const configuration = testConfiguration({ status: { latestCreatedRevisionName: "hello-00002" } });
const route = testRoute();
const revision = testRevision(1);
const bystander = testRevision(1, { metadata: { name: "other-00001", ownerReferences: [] } });

const core = "v1";
const networking = "networking.internal.knative.dev/v1alpha1";
const certificateOf = (owner: KubeObject) => plainObject(networking, "Certificate", "any", childOf(owner));
const ingressOf = (owner: KubeObject) => plainObject(networking, "Ingress", "any", childOf(owner));

const mapping = plainObject(
  "serving.knative.dev/v1beta1",
  "DomainMapping",
  "shop.example.com",
  {},
  {
    spec: { ref: { apiVersion: "serving.knative.dev/v1", kind: "Service", name: "hello", namespace: "ns" } },
  },
);
const serverlessService = (name: string, uid: string) =>
  plainObject(
    networking,
    "ServerlessService",
    name,
    { uid },
    {
      spec: { objectRef: { apiVersion: "apps/v1", kind: "Deployment", name: `${name}-deployment` } },
    },
  );
const endpoints = (name: string, metadata: Partial<ObjectMeta> = {}) => plainObject(core, "Endpoints", name, metadata);
const sksLabels = (type: string) => ({
  labels: {
    "networking.internal.knative.dev/serverlessservice": "one",
    "networking.internal.knative.dev/serviceType": type,
  },
});
const pod = (name: string, ready: "True" | "False", revisionName = "hello-00001") =>
  plainObject(
    core,
    "Pod",
    name,
    { labels: { "serving.knative.dev/revision": revisionName } },
    {
      status: { conditions: [{ type: "Ready", status: ready }] },
    },
  );
const warningOf = (podName: string) =>
  plainObject(
    core,
    "Event",
    "any",
    {},
    { type: "Warning", involvedObject: { kind: "Pod", name: podName, namespace: "ns" } },
  );

const table: Readonly<Record<string, Rows>> = {
  "a Service": {
    start: startServiceController,
    objects: [service],
    rows: [
      ["its Configuration", configuration, ["ns/hello"]],
      ["its Route", route, ["ns/hello"]],
      ["a Configuration of nobody", later(configuration, { ownerReferences: [] }), []],
      ["a Route that it loses", [route, later(route, { ownerReferences: [] })], ["ns/hello"]],
    ],
  },
  "a Configuration": {
    start: startConfigurationController,
    objects: [configuration],
    rows: [
      ["its Revision", revision, ["ns/hello"]],
      ["a Revision of nobody", bystander, []],
    ],
  },
  "the collection of a Configuration's Revisions": {
    start: startGcController,
    objects: [configuration],
    rows: [
      ["its Revision", revision, ["ns/hello"]],
      ["a Revision of nobody", bystander, []],
    ],
  },
  "a Route": {
    start: startRouteController,
    objects: [
      testRoute({
        spec: {
          traffic: [
            { configurationName: "hello", latestRevision: true, percent: 50 },
            { revisionName: "hello-00001", percent: 50 },
          ],
        },
      }),
      testConfiguration({
        status: { latestReadyRevisionName: "hello-00002", latestCreatedRevisionName: "hello-00002" },
      }),
      testRevision(1, { status: conditions({ Ready: "True" }) }),
      testRevision(2, { status: conditions({ Ready: "True" }) }),
    ],
    works: true,
    rows: [
      ["its Service", plainObject(core, "Service", "any", childOf(route)), ["ns/hello"]],
      ["its Certificate", certificateOf(route), ["ns/hello"]],
      ["its Ingress", ingressOf(route), ["ns/hello"]],
      ["an Ingress of nobody", plainObject(networking, "Ingress", "any"), []],
      ["a Configuration that it names", later(configuration), ["ns/hello"]],
      ["a Configuration that it does not name", testConfiguration({ metadata: { name: "other" } }), []],
      ["a Revision that it names", later(revision), ["ns/hello"]],
      ["the Revision behind a Configuration", later(testRevision(2)), ["ns/hello"]],
      ["a Revision that it does not name", later(testRevision(3)), []],
      ["the Endpoints of a Revision that it names", endpoints("hello-00001"), ["ns/hello"]],
      ["the Endpoints of another Revision", endpoints("hello-00003"), []],
    ],
  },
  "a Route to what is not there": {
    start: startRouteController,
    objects: [
      testRoute({
        spec: {
          traffic: [
            { configurationName: "hello", latestRevision: true, percent: 50 },
            { revisionName: "hello-00001", percent: 50 },
          ],
        },
      }),
    ],
    works: true,
    rows: [
      ["the Configuration that appears", configuration, ["ns/hello"]],
      ["the Revision that appears", revision, ["ns/hello"]],
      ["another Revision", testRevision(2), []],
    ],
  },
  "the marks of a Route": {
    start: startLabelerController,
    objects: [
      testRoute({ status: { traffic: [{ revisionName: "hello-00001", latestRevision: true, percent: 100 }] } }),
      configuration,
      revision,
    ],
    works: true,
    rows: [
      ["the Revision that it leads to", later(revision), ["ns/hello"]],
      ["that Revision's Configuration", later(configuration), ["ns/hello"]],
      ["the latest Revision that was made", testRevision(2), ["ns/hello"]],
      ["another Revision", testRevision(3), []],
    ],
  },
  "a DomainMapping": {
    start: startDomainMappingController,
    objects: [mapping],
    rows: [
      ["its Certificate", certificateOf(mapping), ["ns/shop.example.com"]],
      ["its Ingress", ingressOf(mapping), ["ns/shop.example.com"]],
      [
        "the Ingress of the Route that it leads to",
        plainObject(networking, "Ingress", "any", { labels: { "serving.knative.dev/route": "hello" } }),
        ["ns/shop.example.com"],
      ],
      [
        "the Ingress of another Route",
        plainObject(networking, "Ingress", "any", { labels: { "serving.knative.dev/route": "other" } }),
        [],
      ],
      ["the Knative Service that it leads to", service, ["ns/shop.example.com"]],
      ["the Route of that name", route, ["ns/shop.example.com"]],
      ["the Kubernetes Service of that name", plainObject(core, "Service", "hello"), ["ns/shop.example.com"]],
      ["a Service of that name in another namespace", testService({ metadata: { namespace: "elsewhere" } }), []],
      [
        "the claim of its domain",
        plainObject(networking, "ClusterDomainClaim", "shop.example.com", {}),
        ["ns/shop.example.com"],
      ],
      ["the claim of another domain", plainObject(networking, "ClusterDomainClaim", "example.com", {}), []],
    ],
  },
  "a ServerlessService": {
    start: startServerlessServiceController,
    objects: [serverlessService("one", "1"), serverlessService("two", "2")],
    rows: [
      ["its Service", plainObject(core, "Service", "any", childOf(serverlessService("one", "1"))), ["ns/one"]],
      ["its private Endpoints", endpoints("any", sksLabels("Private")), ["ns/one"]],
      ["its public Endpoints, which it writes itself", endpoints("any", sksLabels("Public")), []],
      [
        "the Endpoints of an activator",
        endpoints("activator-service", { namespace: "knative-serving" }),
        ["ns/one", "ns/two"],
      ],
      ["other Endpoints", endpoints("activator-service"), []],
      ["the Deployment that it stands for", plainObject("apps/v1", "Deployment", "two-deployment"), ["ns/two"]],
      ["another Deployment", plainObject("apps/v1", "Deployment", "three-deployment"), []],
    ],
  },
  "a Revision": {
    start: (context) =>
      startRevisionController(context, {
        installation: { systemNamespace: "knative-serving", metricsDomain: "example.com" },
        registries: { userAgent: "test" },
        surroundings: { env: {}, readFile: () => Promise.reject(new Error("there are no files")) },
      }),
    objects: [revision, bystander, pod("crashing", "False")],
    rows: [
      ["its Deployment", plainObject("apps/v1", "Deployment", "any", childOf(revision)), ["ns/hello-00001"]],
      [
        "its PodAutoscaler",
        plainObject("autoscaling.internal.knative.dev/v1alpha1", "PodAutoscaler", "any", childOf(revision)),
        ["ns/hello-00001"],
      ],
      ["a Deployment of nobody", plainObject("apps/v1", "Deployment", "any"), []],
      ["a pod that is not ready", pod("new", "False"), ["ns/hello-00001"]],
      ["a pod that becomes ready", [pod("new", "False"), later(pod("new", "True"))], ["ns/hello-00001"]],
      ["a pod that stays ready", [pod("new", "True"), later(pod("new", "True"))], []],
      ["a Warning about its pod", warningOf("crashing"), ["ns/hello-00001"]],
      ["a Warning about an unknown pod", warningOf("unknown"), []],
      [
        "the certificate of its namespace's queue-proxies",
        plainObject(networking, "Certificate", "serving-certs"),
        ["ns/hello-00001", "ns/other-00001"],
      ],
      ["another certificate", plainObject(networking, "Certificate", "any"), []],
    ],
  },
};

for (const [who, { start, objects, works, rows }] of Object.entries(table)) {
  for (const [what, object, keys] of rows) {
    const isChange = Array.isArray(object);
    const [before, after] = (isChange ? object : [undefined, object]) as [KubeObject | undefined, KubeObject];
    test(`${who} is ${keys.length > 0 ? "" : "not "}looked at because of ${what}`, async () => {
      const known = before ? [...objects, before] : objects;
      const wake = { start, config: defaultServingConfig, objects: known, ...(works && { works }) };
      assert.deepEqual(await keysWokenBy({ ...wake, change: (informers) => informers.put(after) }), keys);
    });
  }
}
