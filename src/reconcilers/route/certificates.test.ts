import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { Certificate } from "../../apis/networking/certificate.ts";
import type { Ingress } from "../../apis/networking/ingress.ts";
import { conditions, linesOf, type Overrides, testRoute } from "../../testing/serving-objects.ts";
import { reconcileOnce } from "../../testing/table.ts";
import { type Maps, owned, publicDomain, ready, rowOf, run, statusOf, world } from "./route-world.ts";

describe("certificates of a route", () => {
  const maps: Maps = { ...publicDomain, "config-network": { "external-domain-tls": "enabled" } };
  const certificateOf = (overrides: Overrides<Certificate>): Certificate => ({
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Certificate",
    spec: { dnsNames: ["hello.ns.example.com"], secretName: "route-uid-Route-hello", domain: "example.com" },
    ...overrides,
    metadata: { ...owned(testRoute()), name: "route-uid-Route-hello", ...overrides.metadata },
  });

  test("are asked for, and plain HTTP serves until they are there", async () => {
    const report = await run([testRoute(), ...world], maps);
    const [certificate] = report.creates.filter(({ kind }) => kind === "Certificate") as Certificate[];
    assert.deepEqual(certificate?.spec.dnsNames, ["hello.ns.example.com"]);
    assert.equal(statusOf(report).url, "http://hello.ns.example.com");
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        "CertificateProvisioned=True HTTPDowngrade: Certificate route-uid-Route-hello is not ready downgrade HTTP.",
      ),
    );
  });

  test("make the URL https once they are ready, and are handed to the network layer", async () => {
    const report = await run(
      [testRoute(), ...world, certificateOf({ status: { conditions: ready.conditions } })],
      maps,
    );
    assert.equal(statusOf(report).url, "https://hello.ns.example.com");
    const ingress = report.creates.find(({ kind }) => kind === "Ingress") as Ingress;
    assert.deepEqual(ingress.spec.tls?.[0]?.hosts, ["hello.ns.example.com"]);
  });

  for (const [protocol, young] of [
    ["redirected", "Unknown CertificateNotReady: Certificate route-uid-Route-hello is not ready: "],
    ["enabled", "True HTTPDowngrade: Certificate route-uid-Route-hello is not ready downgrade HTTP."],
  ] as const) {
    test(`let the route say that no provider answers, with plain HTTP ${protocol}`, async () => {
      const silent = certificateOf({ metadata: { creationTimestamp: "2024-01-01T00:00:00Z" } });
      const config = { ...maps, "config-network": { ...maps["config-network"], "http-protocol": protocol } };
      const lineAt = async (now: string) => {
        const { outcome } = await reconcileOnce({ ...rowOf([testRoute(), ...world, silent], config), now });
        const line = linesOf(outcome?.status?.conditions).find((text) => text.startsWith("CertificateProvisioned"));
        return [line, outcome?.requeueAfterMs];
      };
      assert.deepEqual(await lineAt("2024-01-01T00:00:09Z"), [`CertificateProvisioned=${young}`, 1000]);
      assert.deepEqual(await lineAt("2024-01-01T00:00:10Z"), [
        `CertificateProvisioned=${young.trimEnd()} No certificate provider has answered; is one of class "cert-manager.certificate.networking.knative.dev" installed?`,
        undefined,
      ]);
    });
  }

  test("let the route say plainly why there is none", async () => {
    const failed = conditions({ Ready: ["False", "NoProvider", "nobody answers for this class"] });
    const report = await run([testRoute(), ...world, certificateOf({ status: { conditions: failed.conditions } })], {
      ...maps,
      "config-network": { "external-domain-tls": "enabled", "http-protocol": "redirected" },
    });
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        "CertificateProvisioned=False CertificateProvisionFailed: Certificate route-uid-Route-hello fails to be provisioned: NoProvider",
      ),
    );
  });

  test("are not asked for where a wildcard certificate of the domain covers the host", async () => {
    const wildcard = (dnsName: string) =>
      certificateOf({
        metadata: { name: "wildcard", labels: { "networking.knative.dev/wildcardDomain": "example.com" } },
        spec: { dnsNames: [dnsName], secretName: "wildcard" },
        status: { conditions: ready.conditions },
      });
    const covered = await run([testRoute(), ...world, wildcard("*.ns.example.com")], maps);
    assert.deepEqual(
      covered.creates.map(({ kind }) => kind),
      ["Service", "Ingress"],
    );
    const [tls] = (covered.creates[1] as Ingress).spec.tls ?? [];
    assert.deepEqual([tls?.hosts, tls?.secretName], [["hello.ns.example.com"], "wildcard"]);
    assert.ok(linesOf(statusOf(covered).conditions).includes("CertificateProvisioned=True"));
    const uncovered = await run([testRoute(), ...world, wildcard("*.other.example.com")], maps);
    assert.ok(uncovered.creates.some(({ kind }) => kind === "Certificate"));
  });

  test("for hosts that the route has no more are deleted, but for those of others", async () => {
    const labels = {
      "serving.knative.dev/route": "hello",
      "networking.knative.dev/certificate-type": "external-domain",
    };
    const old = certificateOf({
      metadata: { name: "old", labels },
      spec: { dnsNames: ["old.example.com"], secretName: "old" },
    });
    const foreign = { ...old, metadata: { ...old.metadata, name: "foreign", ownerReferences: [] } };
    const report = await run([testRoute(), ...world, old, foreign], maps);
    assert.deepEqual(
      report.deletes.map(({ resource, name }) => `${resource} ${name}`),
      ["certificates old"],
    );
    assert.ok(report.events.includes("Normal Deleted Deleted orphaned Knative Certificate ns/old"));
  });

  test("for hosts inside the cluster make the address https once they are all there", async () => {
    const local = { "config-network": { "cluster-local-domain-tls": "enabled" } };
    const asked = await run([testRoute(), ...world], local);
    const certificate = asked.creates.find(({ kind }) => kind === "Certificate") as Certificate;
    assert.equal(statusOf(asked).address?.url, "http://hello.ns.svc.cluster.local");
    const provided = { ...certificate, status: { conditions: ready.conditions } };
    const report = await run([testRoute(), ...world, provided], local);
    assert.equal(statusOf(report).address?.url, "https://hello.ns.svc.cluster.local");
    assert.ok(linesOf(statusOf(report).conditions).includes("CertificateProvisioned=True"));
  });

  describe("for hosts inside the cluster that several tags have", () => {
    const local = { "config-network": { "cluster-local-domain-tls": "enabled" } };
    const target = { configurationName: "hello", latestRevision: true };
    const route = testRoute({
      spec: { traffic: ["a", "b", "c"].map((tag, at) => ({ ...target, tag, percent: at === 0 ? 100 : 0 })) },
    });
    const run3 = async (statusByTag: Readonly<Record<string, Certificate["status"]>>) => {
      const asked = await run([route, ...world], local);
      const certificates = asked.creates.filter(({ kind }) => kind === "Certificate") as Certificate[];
      const provided = certificates.map((certificate) => {
        const [host = ""] = certificate.spec.dnsNames;
        const status = statusByTag[host.split("-").length > 1 ? host.split("-")[0]! : ""];
        return { ...certificate, ...(status && { status }) };
      });
      return statusOf(await run([route, ...world, ...provided], local));
    };
    const there = { conditions: ready.conditions };
    const failedOne = { conditions: [{ type: "Ready", status: "False" as const, reason: "Refused" }] };
    const underWay = { conditions: [{ type: "Ready", status: "Unknown" as const, reason: "Waiting" }] };

    test("tell of the one that failed, whichever tag comes last", async () => {
      const { conditions = [] } = await run3({ "": there, a: failedOne, b: underWay, c: there });
      assert.match(linesOf(conditions).join(), /CertificateProvisioned=False CertificateProvisionFailed: .*: Refused/);
    });

    test("tell of the one that is under way, whichever tag comes last", async () => {
      const { conditions = [] } = await run3({ "": there, a: underWay, b: there, c: there });
      assert.match(linesOf(conditions).join(), /CertificateProvisioned=Unknown CertificateNotReady: .*: Waiting/);
    });

    test("make the URLs https of those tags whose certificate is there", async () => {
      const { traffic = [], address } = await run3({ a: there, b: underWay, c: there });
      assert.deepEqual(
        traffic.map(({ url = "" }) => url.split("-")[0]),
        ["https://a", "http://b", "https://c"],
      );
      assert.equal(address?.url, "http://hello.ns.svc.cluster.local");
    });
  });

  test("of somebody else are left alone", async () => {
    const report = await run([testRoute(), ...world, certificateOf({ metadata: { ownerReferences: [] } })], maps);
    assert.ok(
      linesOf(statusOf(report).conditions).includes(
        "CertificateProvisioned=False CertificateNotOwned: There is an existing certificate route-uid-Route-hello that we don't own.",
      ),
    );
  });
});
