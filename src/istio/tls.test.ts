import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Secret } from "../apis/core/secret.ts";
import type { Gateway } from "../apis/istio/gateway.ts";
import { createAuthority, issueCertificate } from "../lib/x509.ts";
import { assertSurvivesFaults } from "../testing/settle.ts";
import {
  gatewayService,
  localRule,
  makeIngress,
  publicRule,
  type Rule,
  rowOf,
  run,
  statusOf,
} from "./ingress-world.ts";

const finalizerName = "ingresses.networking.internal.knative.dev";

describe("an Ingress with a certificate", async () => {
  const period = { notBefore: Date.parse("2024-01-01T00:00:00Z"), notAfter: Date.parse("2034-01-01T00:00:00Z") };
  const authority = await createAuthority({ commonName: "test", ...period });
  const makeSecret = async (dnsName: string): Promise<Secret> => {
    const issued = await issueCertificate(authority, {
      commonName: dnsName,
      dnsNames: [dnsName],
      usages: ["server"],
      ...period,
    });
    const encode = (text: string) => Buffer.from(text).toString("base64");
    const data = { "tls.crt": encode(issued.certificate), "tls.key": encode(issued.key) };
    return {
      apiVersion: "v1",
      kind: "Secret",
      metadata: { name: "cert", namespace: "ns", uid: "s1" },
      type: "kubernetes.io/tls",
      data,
    };
  };
  const tls = [{ hosts: ["app.ns.example.com"], secretName: "cert", secretNamespace: "ns" }];
  const secret = await makeSecret("app.ns.example.com");
  const ingress = makeIngress({ rules: [publicRule], tls, httpOption: "Enabled" });

  test("has it copied beside the gateway, which serves it", async () => {
    const report = await run(ingress, [gatewayService, secret]);
    const copy = report.creates.find(({ kind }) => kind === "Secret") as Secret;
    assert.equal(`${copy.metadata.namespace}/${copy.metadata.name}`, "istio-system/app-s1");
    assert.deepEqual(copy.data, secret.data);
    assert.equal(copy.type, "kubernetes.io/tls");
    assert.equal(copy.metadata.annotations, undefined);
    const { spec } = report.creates.find(({ kind }) => kind === "Gateway") as Gateway;
    assert.deepEqual(
      spec.servers?.map(({ port, tls: served }) => [port.name, port.number, served?.credentialName]),
      [
        ["ns/app:0", 443, "app-s1"],
        ["http-server", 80, undefined],
      ],
    );
    assert.equal(report.patches.length, 1, "a finalizer, for the copy's sake");
    assert.equal(report.outcome?.requeueAfterMs, 300_000, "a renewed certificate is noticed");
  });

  test("for a whole domain shares one Gateway with the others under it", async () => {
    const report = await run(ingress, [gatewayService, await makeSecret("*.ns.example.com")]);
    const names = report.creates.map(({ kind, metadata }) => `${kind} ${metadata.name}`);
    assert.ok(names.includes("Secret ns--cert-wildcard"), names.join());
    const shared = report.creates.find(({ metadata }) => metadata.name.startsWith("wildcard-")) as Gateway;
    assert.deepEqual(shared.spec.servers?.[0]?.hosts, ["*.ns.example.com"]);
  });

  test("is not served over plain HTTP where that is switched off", async () => {
    const { httpOption: _, ...spec } = ingress.spec;
    const report = await run(makeIngress(spec), [gatewayService, secret]);
    const gateways = report.creates.filter(({ kind }) => kind === "Gateway") as Gateway[];
    assert.deepEqual(
      gateways.flatMap(({ spec: { servers = [] } }) => servers.map(({ port }) => port.name)),
      ["ns/app:0"],
    );
  });

  test("and another has a server for each, in order", async () => {
    const rule = (host: string): Rule => ({ ...publicRule, hosts: [host] });
    const entry = (host: string) => ({ hosts: [host], secretName: "cert", secretNamespace: "ns" });
    const two = makeIngress({ rules: [rule("b.io"), rule("a.io")], tls: [entry("b.io"), entry("a.io")] });
    const report = await run(two, [gatewayService, secret]);
    const { spec } = report.creates.find(({ kind }) => kind === "Gateway") as Gateway;
    assert.deepEqual(
      spec.servers?.map(({ port, hosts }) => [port.name, hosts]),
      [
        ["ns/app:0", ["b.io"]],
        ["ns/app:1", ["a.io"]],
      ],
    );
  });

  test("that was renewed is copied anew", async () => {
    const made = (await run(ingress, [gatewayService, secret])).creates;
    const renewed = await makeSecret("app.ns.example.com");
    const report = await run(ingress, [gatewayService, renewed, ...made]);
    const updated = report.updates.filter(({ kind }) => kind === "Secret") as Secret[];
    assert.deepEqual(
      updated.map(({ metadata, data }) => [metadata.name, data]),
      [["app-s1", renewed.data]],
    );
  });

  test("whose Secret has a name longer than labels may be has it told by the copy's annotation", async () => {
    const name = "c".repeat(64);
    const long = { ...secret, metadata: { ...secret.metadata, name } };
    const named = makeIngress({ ...ingress.spec, tls: [{ ...tls[0]!, secretName: name }] });
    const report = await run(named, [gatewayService, long]);
    const { metadata } = report.creates.find(({ kind }) => kind === "Secret") as Secret;
    const label = "networking.internal.knative.dev/originSecretName";
    assert.deepEqual(metadata.annotations, { [label]: name });
    assert.equal(metadata.labels?.[label]?.length, 63);
  });

  test("takes the copy with it", async () => {
    const made = (await run(ingress, [gatewayService, secret])).creates;
    const gone = makeIngress(ingress.spec, { deletionTimestamp: "2024-01-01T00:00:00Z", finalizers: [finalizerName] });
    const report = await run(gone, [gatewayService, ...made]);
    assert.deepEqual(
      report.deletes.map(({ resource, name }) => `${resource} ${name}`),
      ["secrets app-s1"],
    );
  });

  test("that is missing is told, and tried again", async () => {
    const report = await run(ingress, [gatewayService]);
    assert.match(String(report.error), /cert/);
    assert.ok(statusOf(report).lines.includes("Ready=Unknown ReconcileIngressFailed: Ingress reconciliation failed"));
  });

  test("ends as it would have whatever error one write meets", async () => {
    const row = rowOf(makeIngress({ ...ingress.spec, rules: [localRule, publicRule] }), [gatewayService, secret]);
    await assertSurvivesFaults(row);
  });
});
