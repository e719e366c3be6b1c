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
