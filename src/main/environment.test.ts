import assert from "node:assert/strict";
import { test } from "node:test";
import { portFrom, tlsMinVersionFrom } from "./environment.ts";

test("a port is a number up to 65535, and may be left out", () => {
  assert.equal(portFrom("PORT", 9030, {}), 9030);
  assert.equal(portFrom("PORT", 9030, { PORT: "" }), 9030);
  assert.equal(portFrom("PORT", 9030, { PORT: "0" }), 0);
  for (const text of ["x", "-1", "65536", "1.5"]) {
    assert.throws(() => portFrom("PORT", 9030, { PORT: text }), {
      message: `PORT=${text} is not a port: a number from 0 to 65535 is needed`,
    });
  }
});

test("the oldest version of TLS is 1.2 or 1.3, and a mistake is told rather than taken for the other", () => {
  assert.equal(tlsMinVersionFrom("TLS", "TLSv1.3", {}), "TLSv1.3");
  assert.equal(tlsMinVersionFrom("TLS", "TLSv1.3", { TLS: "1.2" }), "TLSv1.2");
  assert.equal(tlsMinVersionFrom("TLS", "TLSv1.2", { TLS: "1.3" }), "TLSv1.3");
  for (const text of ["1.1", "TLSv1.2", "1,2"]) {
    assert.throws(() => tlsMinVersionFrom("TLS", "TLSv1.3", { TLS: text }), {
      message: `TLS=${text} is not a version of TLS that is known: 1.2 or 1.3 is needed`,
    });
  }
});
