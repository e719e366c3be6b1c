import assert from "node:assert/strict";
import { before, test } from "node:test";
import { Registry } from "prom-client";
import { Secret } from "../apis/core/secret.ts";
import { silentLogger } from "../lib/log.ts";
import { createAuthority, issueCertificate } from "../lib/x509.ts";
import { fakeInformers } from "../testing/fake-informers.ts";
import { followCertificate, type ServingPair } from "./certificate-source.ts";
import { createWebhookMetrics } from "./metrics.ts";
import type { AdmissionRequest } from "./review.ts";

const ref = { namespace: "knative-serving", name: "webhook-certs" };
const validity = { notBefore: Date.parse("2024-01-01T00:00:00Z"), notAfter: Date.parse("2024-01-08T00:00:00Z") };
const base64 = (text: string) => Buffer.from(text).toString("base64");
let pairs: ServingPair[];
let version = 1;

before(async () => {
  const authority = await createAuthority({ commonName: "ca", ...validity });
  const issue = async () => {
    const { certificate, key } = await issueCertificate(authority, {
      commonName: "webhook",
      usages: ["server"],
      ...validity,
    });
    return { cert: certificate, key };
  };
  pairs = [await issue(), await issue()];
});

function secretWith({ cert, key }: ServingPair, name = ref.name): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { ...ref, name, resourceVersion: String(version++) },
    data: { "server-cert.pem": base64(cert), "server-key.pem": base64(key) },
  };
}

test("the certificate in the Secret is followed; one that cannot be used leaves the one before", () => {
  const [first, second] = pairs as [ServingPair, ServingPair];
  const informers = fakeInformers([secretWith(second, "others")]);
  const source = followCertificate(informers.of(Secret), ref, silentLogger);
  assert.equal(source.current(), undefined, "other Secrets are not looked at");
  const seen: ServingPair[] = [];
  const stop = source.onChange((pair) => seen.push(pair));
  informers.put(secretWith(first));
  informers.put({
    ...secretWith(first),
    metadata: { ...ref, resourceVersion: String(version++), labels: { touched: "yes" } },
  });
  informers.put(secretWith({ cert: first.cert, key: second.key }));
  informers.put(secretWith({ cert: "none", key: first.key }));
  assert.deepEqual([source.current(), seen], [first, [first]]);
  informers.put(secretWith(second));
  stop();
  informers.put(secretWith(first));
  assert.deepEqual([source.current(), seen], [first, [first, second]]);
});

test("requests are counted under upstream's names; namespaces beyond a thousand share one count", async () => {
  const registry = new Registry();
  const metrics = createWebhookMetrics(registry, "hakn_serving_");
  const request = (namespace: string): AdmissionRequest => ({
    uid: "u",
    kind: { group: "serving.knative.dev", version: "v1", kind: "Service" },
    resource: { group: "serving.knative.dev", version: "v1", resource: "services" },
    subResource: "",
    name: "hello",
    namespace,
    operation: "CREATE",
    userName: "alice",
    object: {},
    oldObject: undefined,
    dryRun: false,
  });
  for (let index = 0; index < 1005; index++) metrics.answered(request(`ns-${index}`), { allowed: true }, 3);
  const text = await registry.metrics();
  const labels =
    'request_operation="CREATE",kind_group="serving.knative.dev",kind_version="v1",kind_kind="Service",resource_group="serving.knative.dev",resource_version="v1",resource_resource="services"';
  assert.ok(
    text.includes(`hakn_serving_request_count{${labels},resource_namespace="ns-0",admission_allowed="true"} 1\n`),
  );
  assert.ok(text.includes(`hakn_serving_request_count{${labels},resource_namespace="",admission_allowed="true"} 5\n`));
  assert.ok(text.includes(`hakn_serving_request_latencies_bucket{le="5",${labels},resource_namespace="ns-0"`));
});
