import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { Secret } from "../../apis/core/secret.ts";
import { reconcileOnce, type World } from "../../testing/table.ts";
import { reconcileGatewayCertificate } from "./reconcile.ts";

function makeSecret(data: Record<string, string>): Secret {
  return {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "tls-cert", namespace: "istio-system" },
    type: "kubernetes.io/tls",
    data,
  };
}

const run = (secret: Secret | undefined, now = "2024-01-01T00:00:00Z") =>
  reconcileOnce({
    kind: Secret,
    key: "istio-system/tls-cert",
    reconcile: reconcileGatewayCertificate,
    deps: ({ client }: World) => ({ secretClient: client.of(Secret) }),
    objects: secret ? [secret] : [],
    now,
  });

const decode = (secret: Secret, field: string) => Buffer.from(secret.data?.[field] ?? "", "base64");
const junk = makeSecret({ "tls.crt": Buffer.from("reconcile this").toString("base64"), "tls.key": "" });

test("a Secret that holds no certificate gets one for any name, for a week, with its key", async () => {
  const [secret] = (await run(junk)).updates as Secret[];
  const certificate = new X509Certificate(decode(secret!, "tls.crt"));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(decode(secret!, "tls.key"))));
  assert.equal(certificate.subjectAltName, "DNS:*");
  assert.equal(certificate.publicKey.asymmetricKeyDetails?.namedCurve, "prime256v1");
  assert.equal(Date.parse(certificate.validTo), Date.parse("2024-01-08T00:00:00Z"));
  assert.equal(secret?.type, "kubernetes.io/tls");
});

test("a good certificate stays until a day before its end, and that day is waited for", async () => {
  const [secret] = (await run(junk)).updates as Secret[];
  const calm = await run(secret, "2024-01-06T00:00:00Z");
  assert.deepEqual(calm.updates, []);
  assert.equal(calm.outcome?.requeueAfterMs, 24 * 3_600_000);
  assert.equal((await run(secret, "2024-01-07T00:00:01Z")).updates.length, 1);
});

test("a certificate that does not go with its key is replaced", async () => {
  const [one] = (await run(junk)).updates as Secret[];
  const [two] = (await run(junk)).updates as Secret[];
  assert.equal((await run(makeSecret({ ...one!.data, "tls.key": two!.data!["tls.key"]! }))).updates.length, 1);
});

test("where nobody made the Secret, none is made", async () => {
  assert.deepEqual((await run(undefined)).actions, []);
});
