import assert from "node:assert/strict";
import { test } from "node:test";
import type { KubeObject } from "../../apis/meta.ts";
import type { Certificate } from "../../apis/networking/certificate.ts";
import { Revision } from "../../apis/serving/revision.ts";
import { parseServingConfig, type ServingConfig } from "../../config/serving-config.ts";
import { testRevision } from "../../testing/serving-objects.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { type Certificates, createCertificates, makeQueueCertificate } from "./queue-certificate.ts";

const namespace = { apiVersion: "v1", kind: "Namespace", metadata: { name: "ns", uid: "uid-ns" }, spec: {} };
const secret = (data: Record<string, string>): KubeObject =>
  ({ apiVersion: "v1", kind: "Secret", metadata: { name: "serving-certs", namespace: "ns" }, data }) as KubeObject;
const filled = secret({ "tls.crt": "Y2VydA==", "tls.key": "a2V5" });
const certificate = makeQueueCertificate(namespace, "cert-manager.certificate.networking.knative.dev");

const run = (objects: readonly KubeObject[], systemInternalTls = "enabled") =>
  reconcileOnce<Revision, Certificates, ServingConfig>({
    kind: Revision,
    key: "ns/hello-00001",
    objects: [testRevision(1), ...objects],
    config: parseServingConfig({
      "config-deployment": { "queue-sidecar-image": "queue:test" },
      "config-network": { "system-internal-tls": systemInternalTls },
    }),
    deps: ({ client, informers }) => createCertificates(client, informers),
    reconcile: async (revision, certificates, pass) => {
      await certificates.ensure(revision, pass);
      return {};
    },
  });

test("nothing is asked for where inner traffic is plain", async () => {
  const report = await run([], "disabled");
  assert.equal(report.error, undefined);
  assert.deepEqual(report.actions, []);
});

test("the first revision of a namespace asks for the certificate that all share", async () => {
  const report = await run([namespace, filled]);
  assert.equal(report.error, undefined);
  assert.deepEqual(report.creates, [certificate]);
  assert.deepEqual(certificate.spec.dnsNames, ["kn-user-ns", "data-plane.knative.dev"]);
  assert.equal(certificate.metadata.ownerReferences?.[0]?.kind, "Namespace");
});

test("a certificate that is there is left alone, one that differs is brought back", async () => {
  const stored = { ...certificate, metadata: { ...certificate.metadata, resourceVersion: "1" } };
  assert.deepEqual((await run([namespace, filled, stored])).actions, []);
  const changed = { ...stored, spec: { ...stored.spec, dnsNames: ["other"] } };
  const report = await run([namespace, filled, changed]);
  assert.deepEqual((report.updates[0] as Certificate).spec, certificate.spec);
});

for (const [what, objects, message] of [
  [
    "the secret is missing",
    [namespace, certificate],
    "secret ns/serving-certs is not ready yet: secret could not be found",
  ],
  [
    "the certificate is missing in the secret",
    [namespace, certificate, secret({})],
    "certificate in secret ns/serving-certs is not ready yet: public cert not found",
  ],
  [
    "the key is missing in the secret",
    [namespace, certificate, secret({ "tls.crt": "Y2VydA==" })],
    "certificate in secret ns/serving-certs is not ready yet: private key not found",
  ],
  [
    "the certificate is somebody else's",
    [namespace, filled, { ...certificate, metadata: { ...certificate.metadata, ownerReferences: [] } }],
    'failed to reconcile Knative certificate ns/serving-certs: owner: ns with Type *v1.Namespace does not own Certificate: "serving-certs"',
  ],
] as const) {
  test(`a revision waits while ${what}`, async () => {
    const report = await run([...objects] as KubeObject[]);
    assert.equal((report.error as Error).message, message);
  });
}
