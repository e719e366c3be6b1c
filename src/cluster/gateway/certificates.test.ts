import assert from "node:assert/strict";
import { test } from "node:test";
import type { Secret } from "../../apis/core/secret.ts";
import type { Gateway } from "../../apis/istio/gateway.ts";
import { createAuthority, issueCertificate } from "../../lib/x509.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { createCertificates } from "./certificates.ts";

function makeGateway(hosts: string[], credentialName: string | undefined, number = 443): Gateway {
  const port = { name: "p", number, protocol: "HTTPS" };
  const servers = [{ hosts, port, ...(credentialName && { tls: { mode: "SIMPLE" as const, credentialName } }) }];
  return {
    apiVersion: "networking.istio.io/v1beta1",
    kind: "Gateway",
    metadata: { name: "gw", namespace: "ns" },
    spec: { servers },
  };
}

for (const [name, serverName, gateways, wanted] of [
  ["its own name", "a.io", [makeGateway(["*.io"], "general"), makeGateway(["a.io"], "own")], "own"],
  ["its own name, named first", "a.io", [makeGateway(["a.io"], "own"), makeGateway(["*.io"], "general")], "own"],
  ["the longest domain", "x.b.io", [makeGateway(["*", "*.io"], "short"), makeGateway(["*.b.io"], "long")], "long"],
  ["any host", "a.io", [makeGateway(["*"], "any")], "any"],
  ["a host with a namespace", "a.io", [makeGateway(["ns/a.io"], "own")], "own"],
  ["a name in capitals", "A.io", [makeGateway(["a.IO"], "own")], "own"],
  ["a domain, which is not in itself", "b.io", [makeGateway(["*.b.io"], "domain")], undefined],
  ["a name that only ends alike", "ab.io", [makeGateway(["*.b.io", "b.io"], "other")], undefined],
  ["a port without TLS", "a.io", [makeGateway(["a.io"], "own", 80)], undefined],
  ["a server without a certificate", "a.io", [makeGateway(["a.io"], undefined)], undefined],
] as const) {
  test(`${serverName} gets the certificate of ${name}: ${wanted ?? "none"}`, async () => {
    const asked: string[] = [];
    const secrets = {
      async get(ref: { readonly name: string; readonly namespace?: string }): Promise<Secret> {
        asked.push(`${ref.namespace}/${ref.name}`);
        throw new Error("not there");
      },
    };
    const find = createCertificates({ list: () => [...gateways] }, secrets, fakeClock());
    if (wanted === undefined) assert.equal(await find(serverName), undefined);
    else await assert.rejects(find(serverName), /not there/);
    assert.deepEqual(asked, wanted === undefined ? [] : [`istio-system/${wanted}`]);
  });
}

test("a certificate is read again after a while, and made anew only where its Secret has changed", async () => {
  const clock = fakeClock();
  const period = { notBefore: clock.now() - 1000, notAfter: clock.now() + 3_600_000 };
  const authority = await createAuthority({ commonName: "test", ...period });
  const issued = await issueCertificate(authority, {
    commonName: "a",
    dnsNames: ["a.io"],
    usages: ["server"],
    ...period,
  });
  const encode = (text: string) => Buffer.from(text).toString("base64");
  let resourceVersion = "1";
  let reads = 0;
  const secrets = {
    async get(): Promise<Secret> {
      reads += 1;
      const data = { "tls.crt": encode(issued.certificate), "tls.key": encode(issued.key) };
      return { apiVersion: "v1", kind: "Secret", metadata: { name: "own", resourceVersion }, data };
    },
  };
  const find = createCertificates({ list: () => [makeGateway(["a.io"], "own")] }, secrets, clock);
  const first = await find("a.io");
  assert.ok(first);
  await clock.advance(9_999);
  assert.equal(await find("a.io"), first);
  assert.equal(reads, 1);
  await clock.advance(1);
  assert.equal(await find("a.io"), first);
  assert.equal(reads, 2);
  resourceVersion = "2";
  assert.equal(await find("a.io"), first);
  await clock.advance(10_000);
  assert.notEqual(await find("a.io"), first);
  assert.equal(reads, 3);
});
