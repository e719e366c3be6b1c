import assert from "node:assert/strict";
import { test } from "node:test";
import fastJsonPatch, { type Operation } from "fast-json-patch";
import type { Revision } from "../apis/serving/revision.ts";
import { defaultServingConfig, parseServingConfig, type ServingConfig } from "../config/serving-config.ts";
import { apiError } from "../kube/errors.ts";
import { dice, mutated, mutatedBytes } from "../testing/mutate.ts";
import { recordedReviews } from "../testing/reviews.ts";
import { testService } from "../testing/serving-objects.ts";
import { type AdmissionOptions, admissionPaths, admitDefaulting, admitResource } from "./admission.ts";
import { type AdmissionRequest, formatReview, parseReview, ReviewError } from "./review.ts";

const options: AdmissionOptions = { config: () => defaultServingConfig, createPodForTrial: async () => {} };
const reviews = recordedReviews();
const paths = admissionPaths(options);

function requestOf(body: object): AdmissionRequest {
  return parseReview(Buffer.from(JSON.stringify(body))).request;
}

/** The object as it is stored after defaulting. */
function defaulted(request: AdmissionRequest): unknown {
  const { patch = [] } = admitDefaulting(request, options);
  return fastJsonPatch.applyPatch(structuredClone(request.object), patch as Operation[]).newDocument;
}

/** Requests whose objects are accepted, after defaulting. */
async function accepted(): Promise<AdmissionRequest[]> {
  const found: AdmissionRequest[] = [];
  for (const { path, body } of reviews) {
    if (path !== "/defaulting") continue;
    const request = requestOf(body);
    if (request.object === undefined || !admitDefaulting(request, options).allowed) continue;
    const stored = { ...request, object: defaulted(request) };
    if ((await admitResource(stored, options)).allowed) found.push(stored);
  }
  return found;
}

test("defaulting what has its defaults changes nothing", async () => {
  const stored = await accepted();
  assert.ok(stored.length > 15, `${stored.length} cases are accepted`);
  for (const request of stored) {
    const { patch } = admitDefaulting(request, options);
    assert.deepEqual(patch, [], JSON.stringify(request.object));
  }
});

test("an accepted object can be written back as it is", async () => {
  for (const request of await accepted()) {
    const update = { ...request, operation: "UPDATE", oldObject: request.object };
    assert.deepEqual(admitDefaulting(update, options).patch, []);
    const { allowed, message } = await admitResource(update, options);
    assert.ok(allowed, `${message}: ${JSON.stringify(request.object)}`);
  }
});

test("a status update of a Service or Configuration is never refused for what its spec says", async () => {
  for (const { path, body } of reviews) {
    const request = requestOf(body);
    if (path !== "/resource-validation" || request.object === undefined) continue;
    if (!["Service", "Configuration"].includes(request.kind.kind)) continue;
    const update = { ...request, operation: "UPDATE", subResource: "status", oldObject: request.object };
    const { allowed, message = "" } = await admitResource(update, options);
    if (!allowed) assert.match(message, /^decoding request failed: |: (?:status|metadata)/);
  }
});

test("an object that does not name its kind is judged by its content", async () => {
  const { kind: _, ...nameless } = testService() as unknown as Record<string, unknown>;
  const { body } = reviews.find(({ body }) => requestOf(body).kind.kind === "Service")!;
  const request = { ...requestOf(body), operation: "CREATE", object: nameless, oldObject: undefined, subResource: "" };
  const stored = { ...request, object: defaulted(request) };
  assert.equal((await admitResource(stored, options)).message, undefined);
});

test("whatever is sent, an answer comes, and quickly", async () => {
  const rolls = dice(4711);
  let answered = 0;
  for (let round = 0; round < 1500; round++) {
    const { path, body } = rolls.pick(reviews);
    const changed = JSON.stringify(mutated(body, rolls));
    const bytes = rolls.roll(4) === 0 ? mutatedBytes(changed, rolls) : Buffer.from(changed);
    try {
      const review = parseReview(bytes);
      const response = await paths.get(path)!(review.request);
      assert.equal(JSON.parse(formatReview(review, response)).response.allowed, response.allowed);
      answered++;
    } catch (error) {
      assert.ok(
        error instanceof ReviewError,
        `${bytes.toString().slice(0, 2000)}\n${error instanceof Error ? error.stack : error}`,
      );
    }
  }
  assert.ok(answered > 500, `${answered} of the mutated reviews were still reviews`);
});

const template = { spec: { containers: [{ image: "hello", name: "user-container" }] } };
const service = (annotations: Record<string, string> = {}, more: object = {}) =>
  requestOf({
    apiVersion: "admission.k8s.io/v1",
    kind: "AdmissionReview",
    request: {
      kind: { group: "serving.knative.dev", version: "v1", kind: "Service" },
      operation: "CREATE",
      object: {
        apiVersion: "serving.knative.dev/v1",
        kind: "Service",
        metadata: { name: "hello", namespace: "default", annotations },
        spec: { template, traffic: [{ latestRevision: true, percent: 100 }] },
      },
      ...more,
    },
  });
const withImage = (image: string, annotations: Record<string, string> = {}): object => {
  const object = service(annotations).object as { spec: object };
  const containers = [{ image, name: "user-container" }];
  return { ...object, spec: { ...object.spec, template: { spec: { containers } } } };
};
const wish = (mode: string) => ({ "features.knative.dev/podspec-dryrun": mode });
const flag = (value: string) => parseServingConfig({ "config-features": { "kubernetes.podspec-dryrun": value } });
const unsupported = 'admission webhook "x" does not support dry run';

const trials: Record<
  string,
  { request: AdmissionRequest; config?: ServingConfig; refusal?: string; tried: boolean; message?: string }
> = {
  "no trial unless it is asked for": { request: service(), tried: false },
  "a trial by annotation": { request: service(wish("enabled")), tried: true },
  "what the API server says is told": {
    request: service(wish("enabled")),
    refusal: "pods is forbidden",
    tried: true,
    message: "validation callback failed: dry run failed with pods is forbidden: spec.template",
  },
  "no trial where one is not possible": { request: service(wish("enabled")), refusal: unsupported, tried: true },
  "a strict trial has to be possible": {
    request: service(wish("strict")),
    refusal: unsupported,
    tried: true,
    message: `validation callback failed: dry run failed with ${unsupported}: spec.template`,
  },
  "the flag can ask for every trial": { request: service(), config: flag("enabled"), tried: true },
  "the flag can forbid trials": { request: service(wish("strict")), config: flag("disabled"), tried: false },
  "an update that leaves the template alone": {
    request: service(wish("enabled"), {
      operation: "UPDATE",
      oldObject: { ...(service().object as object), metadata: { name: "hello", namespace: "default" } },
    }),
    tried: false,
  },
  "an update that changes the template": {
    request: service(wish("enabled"), { operation: "UPDATE", oldObject: withImage("other") }),
    tried: true,
  },
  "no trial of what is refused anyway": {
    request: service(wish("enabled"), { object: withImage("Not an image", wish("enabled")) }),
    tried: false,
    message:
      'validation failed: Failed to parse image reference: spec.template.spec.containers[0].image\nimage: "Not an image", error: could not parse reference: Not an image',
  },
  "no trial where something is deleted": { request: service(wish("enabled"), { operation: "DELETE" }), tried: false },
};

for (const [name, { request, config = defaultServingConfig, refusal, tried, message }] of Object.entries(trials)) {
  test(`trial of the pod: ${name}`, async () => {
    const revisions: Revision[] = [];
    const response = await admitResource(request, {
      config: () => config,
      createPodForTrial: async (revision) => {
        revisions.push(revision);
        if (refusal) throw apiError(403, "Forbidden", refusal);
      },
    });
    assert.equal(response.message, message);
    assert.equal(response.allowed, message === undefined);
    assert.equal(revisions.length, tried ? 1 : 0);
    if (!tried) return;
    const { generateName, namespace } = revisions[0]!.metadata;
    assert.deepEqual([generateName, namespace], ["dry-run-validation", "default"]);
  });
}

test("nothing but what is made or changed is defaulted, or looked at as a ConfigMap", async () => {
  const asked = { ...service(), object: { metadata: { name: "config-gc" }, data: { "grace-period": "never" } } };
  for (const operation of ["DELETE", "CONNECT"]) {
    for (const path of ["/defaulting", "/config-validation"]) {
      assert.deepEqual(await paths.get(path)!({ ...asked, operation }), { allowed: true }, `${operation} ${path}`);
    }
  }
});

for (const [value, allowed] of [
  ["enabled", true],
  ["Disabled", true],
  ["yes", false],
  ["", false],
] as const) {
  test(`unlimited streams ${JSON.stringify(value)}: ${allowed ? "accepted" : "refused with the annotation's path"}`, async () => {
    const service = testService();
    const annotations = { "features.hakn.dev/unlimited-streams": value };
    const object = {
      ...service,
      spec: { ...service.spec, template: { ...service.spec!.template, metadata: { annotations } } },
    };
    const example = reviews.find(
      ({ path, body }) => path === "/resource-validation" && requestOf(body).kind.kind === "Service",
    );
    const request = { ...requestOf(example!.body), operation: "CREATE", oldObject: undefined, object };
    const answer = await admitResource(request as unknown as AdmissionRequest, options);
    assert.equal(answer.allowed, allowed, answer.message);
    if (!allowed) {
      const path = "spec.template.metadata.annotations.[features.hakn.dev/unlimited-streams]";
      assert.equal(answer.message?.includes(`invalid value: ${value}: ${path}`), true, answer.message);
    }
  });
}
