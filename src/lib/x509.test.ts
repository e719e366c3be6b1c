import assert from "node:assert/strict";
import { createPrivateKey, X509Certificate } from "node:crypto";
import { test } from "node:test";
import { createAuthority, issueCertificate } from "./x509.ts";

const validity = { notBefore: Date.parse("2026-01-01T00:00:00Z"), notAfter: Date.parse("2036-01-01T00:00:00Z") };

test("a certificate chains to its authority and says who it is for", async () => {
  const authority = await createAuthority({ commonName: "an authority", ...validity });
  const issued = await issueCertificate(authority, {
    commonName: "admin",
    organizations: ["system:masters", "others"],
    dnsNames: ["localhost"],
    ipAddresses: ["127.0.0.1"],
    usages: ["server", "client"],
    ...validity,
  });
  const certificate = new X509Certificate(issued.certificate);
  const issuer = new X509Certificate(authority.certificate);
  assert.ok(issuer.ca);
  assert.ok(certificate.verify(issuer.publicKey));
  assert.ok(certificate.checkIssued(issuer));
  assert.ok(certificate.checkPrivateKey(createPrivateKey(issued.key)));
  assert.equal(certificate.subject, "O=system:masters\nO=others\nCN=admin");
  assert.equal(certificate.subjectAltName, "DNS:localhost, IP Address:127.0.0.1");
  assert.deepEqual(certificate.keyUsage, ["1.3.6.1.5.5.7.3.1", "1.3.6.1.5.5.7.3.2"]);
});

test("addresses of both families and times of both centuries are written as they are", async () => {
  const authority = await createAuthority({ commonName: "an authority", ...validity });
  const { certificate } = await issueCertificate(authority, {
    commonName: "späte Ämter",
    ipAddresses: ["::1", "2001:db8::ff00:42:8329", "::ffff:10.0.0.1", "fe80::", "10.1.2.3"],
    usages: ["client"],
    notBefore: Date.parse("2049-12-31T23:59:59Z"),
    notAfter: Date.parse("2050-01-01T00:00:00Z"),
  });
  const read = new X509Certificate(certificate);
  assert.equal(read.subject, "CN=späte Ämter");
  assert.equal(
    read.subjectAltName,
    "IP Address:0:0:0:0:0:0:0:1, IP Address:2001:DB8:0:0:0:FF00:42:8329, IP Address:0:0:0:0:0:FFFF:A00:1, IP Address:FE80:0:0:0:0:0:0:0, IP Address:10.1.2.3",
  );
  assert.equal(Date.parse(read.validFrom), Date.parse("2049-12-31T23:59:59Z"));
  assert.equal(Date.parse(read.validTo), Date.parse("2050-01-01T00:00:00Z"));
  assert.deepEqual(read.keyUsage, ["1.3.6.1.5.5.7.3.2"]);
  await assert.rejects(
    issueCertificate(authority, { commonName: "x", ipAddresses: ["here"], usages: [], ...validity }),
  );
});

test("every certificate has a serial number of its own, and a key", async () => {
  const authority = await createAuthority({ commonName: "an authority", ...validity });
  const issue = () => issueCertificate(authority, { commonName: "x", usages: ["server"], ...validity });
  const made = (await Promise.all([issue(), issue(), issue()])).map(
    ({ certificate }) => new X509Certificate(certificate),
  );
  assert.equal(new Set(made.map(({ serialNumber }) => serialNumber)).size, 3);
  assert.equal(new Set(made.map(({ publicKey }) => String(publicKey.export({ type: "spki", format: "pem" })))).size, 3);
});

test("who was issued by another authority is told by the key, not by the name", async () => {
  const [one, other] = [
    await createAuthority({ commonName: "a", ...validity }),
    await createAuthority({ commonName: "a", ...validity }),
  ];
  const { certificate } = await issueCertificate(one, { commonName: "x", usages: ["server"], ...validity });
  assert.ok(new X509Certificate(certificate).checkIssued(new X509Certificate(one.certificate)));
  assert.ok(!new X509Certificate(certificate).checkIssued(new X509Certificate(other.certificate)));
});
