import assert from "node:assert/strict";
import { test } from "node:test";
import { createProxyRule } from "./proxy.ts";

for (const [noProxy, url, byProxy] of [
  ["", "https://ghcr.io/v2/", true],
  ["", "http://registry.example.com/v2/", true],
  ["", "http://localhost:5000/v2/", false],
  ["", "http://127.1.2.3:5000/v2/", false],
  ["", "http://[::1]:5000/v2/", false],
  ["*", "https://ghcr.io/v2/", false],
  ["example.com", "https://example.com/v2/", false],
  ["example.com", "https://eu.example.com/v2/", false],
  ["example.com", "https://notexample.com/v2/", true],
  [".example.com", "https://example.com/v2/", true],
  [".example.com", "https://eu.example.com/v2/", false],
  ["*.example.com", "https://eu.example.com/v2/", false],
  ["a.io, .svc ,.cluster.local", "http://registry.infra.svc/v2/", false],
  ["EXAMPLE.com", "https://Example.COM/v2/", false],
  ["10.0.0.0/8", "http://10.96.4.2:5000/v2/", false],
  ["10.0.0.0/8", "http://11.96.4.2:5000/v2/", true],
  ["10.0.0.0/8", "https://ghcr.io/v2/", true],
  ["fd00::/8", "http://[fd12::1]:5000/v2/", false],
  ["10.1.2.3", "http://10.1.2.3:5000/v2/", false],
  ["10.1.2.3:5001", "http://10.1.2.3:5000/v2/", true],
  ["fd12::1", "http://[fd12::1]:5000/v2/", false],
  ["[fd12::1]:5000", "http://[fd12::1]:5000/v2/", false],
  ["example.com:5000", "http://example.com:5000/v2/", false],
  ["example.com:443", "https://example.com/v2/", false],
  ["example.com:5000", "https://example.com/v2/", true],
] as const) {
  test(`with NO_PROXY="${noProxy}", ${url} is reached ${byProxy ? "by the proxy" : "directly"}`, () => {
    const goesByProxy = createProxyRule({ httpProxy: "http://p:1", httpsProxy: "http://p:1", noProxy });
    assert.equal(goesByProxy(new URL(url)), byProxy);
  });
}

test("each scheme has its own proxy", () => {
  const goesByProxy = createProxyRule({ httpsProxy: "http://p:1" });
  assert.equal(goesByProxy(new URL("https://ghcr.io")), true);
  assert.equal(goesByProxy(new URL("http://ghcr.io")), false);
});
