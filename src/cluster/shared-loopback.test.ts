import assert from "node:assert/strict";
import { test } from "node:test";
import { addressesOf, locateOnSharedLoopback, loopbackMode, sharedNetworks } from "./shared-loopback.ts";

const rows: { name: string; at: string; is: string }[] = [
  { name: "the node's agent", at: "127.16.0.1:10250", is: "127.0.0.1:12000" },
  { name: "the first replica's webhooks", at: "127.16.1.1:8443", is: "127.0.0.1:12008" },
  { name: "its autoscaler", at: "127.16.1.1:8080", is: "127.0.0.1:12012" },
  { name: "the second replica's webhooks", at: "127.16.1.2:8443", is: "127.0.0.1:12016" },
  { name: "the first pod of a revision", at: "127.16.2.1:8012", is: "127.0.0.1:12136" },
  { name: "its stats", at: "127.16.2.1:9090", is: "127.0.0.1:12140" },
  { name: "the last pod of the last cluster", at: "127.19.2.233:8008", is: "127.0.0.1:19998" },
  { name: "a port that none of our programs has", at: "127.16.2.1:3000", is: "127.0.0.1:3000" },
  { name: "a control plane's port at a revision's pod", at: "127.16.2.1:8080", is: "127.0.0.1:8080" },
  { name: "127.0.0.1 itself", at: "127.0.0.1:8012", is: "127.0.0.1:8012" },
  { name: "an address of no network of ours", at: "127.20.2.1:8012", is: "127.20.2.1:8012" },
  { name: "an address of no pod", at: "127.16.2.234:8012", is: "127.16.2.234:8012" },
  { name: "an address of no role", at: "127.16.3.1:8012", is: "127.16.3.1:8012" },
  { name: "a name", at: "webhook.knative-serving.svc:443", is: "webhook.knative-serving.svc:443" },
];

for (const { name, at, is } of rows) {
  test(`on a shared loopback address: ${name}`, () => {
    const [host = "", port] = at.split(":");
    const found = locateOnSharedLoopback({ host, port: Number(port) });
    assert.equal(`${found.host}:${found.port}`, is);
  });
}

test("no two sockets of our programs share a port, and none has one that users' programs are given", () => {
  const ports = {
    node: [10_250],
    controlPlane: [8443, 9030, 8080, 9041],
    revision: [8012, 8013, 8112, 8022, 9090, 9091],
  };
  const found = sharedNetworks.flatMap((network) =>
    (["node", "controlPlane", "revision"] as const).flatMap((role) =>
      addressesOf(network, role).flatMap((host) => ports[role].map((port) => locateOnSharedLoopback({ host, port }))),
    ),
  );
  assert.ok(found.length > 5000);
  assert.equal(new Set(found.map(({ port }) => port)).size, found.length);
  assert.ok(found.every(({ host, port }) => host === "127.0.0.1" && port >= 12_000 && port < 20_000));
});

test("what is located already stays where it is", () => {
  const once = locateOnSharedLoopback({ host: "127.17.1.2", port: 9040 });
  assert.deepEqual(locateOnSharedLoopback(once), once);
});

test("the mode comes from the environment; a wrong one is refused", () => {
  assert.equal(loopbackMode({}), undefined);
  assert.equal(loopbackMode({ HAKN_LOOPBACK: "" }), undefined);
  assert.equal(loopbackMode({ HAKN_LOOPBACK: "shared" }), "shared");
  assert.equal(loopbackMode({ HAKN_LOOPBACK: "own" }), "own");
  assert.throws(() => loopbackMode({ HAKN_LOOPBACK: "yes" }), /HAKN_LOOPBACK=yes is unknown: .* own or shared/);
});
