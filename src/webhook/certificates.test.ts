import assert from "node:assert/strict";
import { X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createSecureContext } from "node:tls";
import { Secret } from "../apis/core/secret.ts";
import type { EventRecorder } from "../kube/api.ts";
import { fakeClient } from "../testing/fake-client.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { secretKeys, secretText, servingPairOf } from "./certificate-source.ts";
import { reconcileCertificate } from "./certificates.ts";

const dayMs = 86_400_000;
const ref = { namespace: "knative-serving", name: "webhook-certs" };

/** A Secret, and the means to let the controller work on it for so long. */
function world(data: Record<string, string> = {}) {
  const secret: Secret = { apiVersion: "v1", kind: "Secret", metadata: { ...ref }, data };
  const client = fakeClient([secret]);
  const clock = fakeClock();
  const said: string[] = [];
  const events: EventRecorder = { normal: (reason) => said.push(reason), warning: (reason) => said.push(reason) };
  const stored = () => client.stored(Secret, ref)!;
  const pass = () =>
    reconcileCertificate(
      stored(),
      { client, service: { namespace: ref.namespace, name: "webhook" } },
      { clock, events, signal: new AbortController().signal },
    );
  return { client, clock, said, stored, pass };
}

const shown = (secret: Secret) => new X509Certificate(servingPairOf(secret)!.cert);
/** Whether one who trusts these authorities takes the certificate. */
const isTrusted = (certificate: X509Certificate, authorities: string) =>
  authorities
    .split(/(?<=-----END CERTIFICATE-----\n)/)
    .filter((pem) => pem.trim() !== "")
    .some(
      (pem) =>
        certificate.checkIssued(new X509Certificate(pem)) && certificate.verify(new X509Certificate(pem).publicKey),
    );

test("an empty Secret gets a certificate for every name of the Service, valid for a week", async () => {
  const { pass, stored, clock, said } = world();
  const { requeueAfterMs } = await pass();
  const certificate = shown(stored());
  assert.equal(
    certificate.subjectAltName,
    "DNS:webhook, DNS:webhook.knative-serving, DNS:webhook.knative-serving.svc, DNS:webhook.knative-serving.svc.cluster.local",
  );
  assert.equal(certificate.subject, "O=knative.dev\nCN=webhook.knative-serving.svc");
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1"]);
  assert.equal(Date.parse(certificate.validTo) - clock.now(), 7 * dayMs);
  assert.ok(isTrusted(certificate, secretText(stored(), secretKeys.authority)));
  assert.doesNotThrow(() => createSecureContext(servingPairOf(stored())));
  assert.equal(requeueAfterMs, 6 * dayMs);
  assert.deepEqual(said, ["CertificateCreated"]);
});

test("a fresh certificate is left alone until a day before it expires", async () => {
  const { pass, client, clock } = world();
  await pass();
  const writes = client.actions.length;
  await clock.advance(3 * dayMs);
  assert.deepEqual(await pass(), { requeueAfterMs: 3 * dayMs });
  assert.equal(client.actions.length, writes);
});

test("a certificate is renewed so that nobody who looked a moment ago refuses it", async () => {
  const { pass, stored, clock, said } = world();
  await pass();
  const first = shown(stored());
  const before = secretText(stored(), secretKeys.authority);
  await clock.advance(6 * dayMs);

  await pass();
  assert.equal(shown(stored()).fingerprint256, first.fingerprint256, "the next one is announced, not shown");
  const both = secretText(stored(), secretKeys.authority);
  assert.ok(isTrusted(first, both));
  const { requeueAfterMs } = await pass();
  assert.ok(requeueAfterMs! > 0 && requeueAfterMs! <= 30_000);

  await clock.advance(30_000);
  await pass();
  const second = shown(stored());
  assert.notEqual(second.fingerprint256, first.fingerprint256);
  assert.ok(isTrusted(second, both), "who trusts what was announced trusts what is shown");
  assert.ok(!isTrusted(second, before), "and nobody else does: it is another authority");
  assert.deepEqual(said, ["CertificateCreated", "CertificateRenewed"]);
  assert.equal(stored().data![secretKeys.nextKey], undefined);
  assert.deepEqual(await pass(), { requeueAfterMs: 6 * dayMs - 30_000 });
});

test("authorities that have expired are no longer trusted", async () => {
  const { pass, stored, clock } = world();
  await pass();
  for (let renewal = 0; renewal < 3; renewal++) {
    await clock.advance(6 * dayMs);
    await pass();
    await clock.advance(30_000);
    await pass();
  }
  assert.equal(secretText(stored(), secretKeys.authority).match(/BEGIN/g)!.length, 2);
});

const broken: Record<string, (data: Record<string, string>) => Record<string, string>> = {
  "the key is missing": ({ [secretKeys.key]: _, ...rest }) => rest,
  "the certificate is no PEM": (data) => ({ ...data, [secretKeys.certificate]: "bm9uZQ==" }),
  "the authority is missing": ({ [secretKeys.authority]: _, ...rest }) => rest,
  "the authority is no certificate": (data) => ({ ...data, [secretKeys.authority]: "bm9uZQ==" }),
};

for (const [name, breakIt] of Object.entries(broken)) {
  test(`a new certificate is made when ${name}`, async () => {
    const made = world();
    await made.pass();
    const { pass, stored } = world(breakIt(made.stored().data!));
    await pass();
    assert.ok(isTrusted(shown(stored()), secretText(stored(), secretKeys.authority)));
    assert.notEqual(shown(stored()).fingerprint256, shown(made.stored()).fingerprint256);
  });
}

test("a certificate that has expired is replaced at once", async () => {
  const { pass, stored, clock, said } = world();
  await pass();
  await clock.advance(8 * dayMs);
  await pass();
  assert.ok(Date.parse(shown(stored()).validTo) > clock.now());
  assert.deepEqual(said, ["CertificateCreated", "CertificateCreated"]);
});

test("what else the Secret holds stays", async () => {
  const { pass, stored } = world({ mine: "bWluZQ==" });
  await pass();
  assert.equal(stored().data!["mine"], "bWluZQ==");
});
