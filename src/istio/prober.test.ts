import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import type { Ingress } from "../apis/networking/ingress.ts";
import { hashIngress } from "../apis/networking/ingress-hash.ts";
import { silentLogger } from "../lib/log.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { type ProbeAnswer, probeGateway } from "./probe.ts";
import type { ProbeTarget } from "./probe-targets.ts";
import { createProber } from "./prober.ts";

function makeIngress(serviceName = "rev"): Ingress {
  const splits = [{ serviceName, serviceNamespace: "ns", servicePort: 80, percent: 100 }];
  return {
    apiVersion: "networking.internal.knative.dev/v1alpha1",
    kind: "Ingress",
    metadata: { name: "app", namespace: "ns" },
    spec: { rules: [{ hosts: ["app.ns"], visibility: "ClusterLocal", http: { paths: [{ splits }] } }] },
  };
}

function podAt(address: string): ProbeTarget {
  return { scheme: "http", host: "app.ns", address, port: 8081 };
}

const good = (ingress: Ingress): ProbeAnswer => ({ status: 200, hash: hashIngress(ingress), text: "" });
const unknown: ProbeAnswer = { status: 404, hash: undefined, text: "" };
const empty: ProbeAnswer = { status: 503, hash: undefined, text: "no healthy upstream" };

interface Gateways {
  pods: ProbeTarget[];
  answer: (target: ProbeTarget) => ProbeAnswer | Error;
  hasBackends: boolean;
}

/** A prober among gateway pods that answer as the test says, and a clock that the test moves. */
function makeScene() {
  const clock = fakeClock();
  const stop = new AbortController();
  const gateways: Gateways = { pods: [podAt("10.0.0.1"), podAt("10.0.0.2")], answer: () => unknown, hasBackends: true };
  const asked: string[] = [];
  const proven: string[] = [];
  const prober = createProber({
    targetsOf: () => gateways.pods,
    hasBackends: () => gateways.hasBackends,
    probe: async (target) => {
      asked.push(target.address);
      const answer = gateways.answer(target);
      if (answer instanceof Error) throw answer;
      return answer;
    },
    onProven: (key) => proven.push(key),
    clock,
    log: silentLogger,
    signal: stop.signal,
  });
  return { gateways, asked, proven, prober, stop, pass: (ms: number) => clock.advance(ms) };
}

test("an Ingress is proven once every pod of the gateway has shown its hash, and each is asked until then", async () => {
  const scene = makeScene();
  const ingress = makeIngress();
  scene.gateways.answer = ({ address }) => (address === "10.0.0.1" ? good(ingress) : unknown);
  assert.equal(scene.prober.isProven(ingress), false);
  await scene.pass(300);
  assert.deepEqual(scene.proven, []);
  assert.equal(scene.asked.filter((address) => address === "10.0.0.1").length, 1, "who has shown it is left alone");
  scene.gateways.answer = () => good(ingress);
  await scene.pass(2000);
  assert.deepEqual(scene.proven, ["ns/app"]);
  assert.equal(scene.prober.isProven(ingress), true);
});

test("a pod that answers with the hash of an older state has not got the new one", async () => {
  const scene = makeScene();
  scene.gateways.answer = () => good(makeIngress("older"));
  scene.prober.isProven(makeIngress());
  await scene.pass(2000);
  assert.deepEqual(scene.proven, []);
  scene.stop.abort();
});

const enough: readonly [sentence: string, answer: ProbeAnswer, isEnough: boolean][] = [
  [
    "200 without a hash comes from an application that we cannot make speak",
    { status: 200, hash: undefined, text: "" },
    true,
  ],
  ["a redirect is an answer", { status: 302, hash: undefined, text: "" }, true],
  ["404 means that the gateway has not heard of the route", unknown, false],
  ["503 means that the gateway has no pods for it yet", empty, false],
];
for (const [sentence, answer, isEnough] of enough) {
  test(sentence, async () => {
    const scene = makeScene();
    scene.gateways.answer = () => answer;
    scene.prober.isProven(makeIngress());
    await scene.pass(1500);
    assert.equal(scene.proven.length === 1, isEnough);
    scene.stop.abort();
  });
}

test("a revision that has no pods at all cannot answer: after a while the gateway's word does", async () => {
  const scene = makeScene();
  scene.gateways.answer = () => empty;
  scene.gateways.hasBackends = false;
  scene.prober.isProven(makeIngress());
  await scene.pass(5000);
  assert.deepEqual(scene.proven, []);
  await scene.pass(10_000);
  assert.deepEqual(scene.proven, ["ns/app"]);
});

test("a pod of the gateway that goes is not waited for, and one that comes is asked", async () => {
  const scene = makeScene();
  const ingress = makeIngress();
  scene.gateways.answer = ({ address }) => (address === "10.0.0.1" ? good(ingress) : new Error("connect ECONNREFUSED"));
  scene.prober.isProven(ingress);
  await scene.pass(200);
  scene.gateways.pods = [podAt("10.0.0.1"), podAt("10.0.0.3")];
  scene.gateways.answer = () => good(ingress);
  await scene.pass(5000);
  assert.ok(scene.asked.includes("10.0.0.3"));
  assert.deepEqual(scene.proven, ["ns/app"]);
});

test("a changed Ingress is proven anew, and the old one is asked about no more", async () => {
  const scene = makeScene();
  const [first, second] = [makeIngress("one"), makeIngress("two")];
  scene.prober.isProven(first);
  await scene.pass(100);
  scene.prober.isProven(second);
  scene.gateways.answer = () => good(second);
  await scene.pass(1000);
  assert.deepEqual(scene.proven, ["ns/app"]);
  const asked = scene.asked.length;
  await scene.pass(5000);
  assert.equal(scene.asked.length, asked);
});

test("without a gateway there is nothing to prove, and what is forgotten is asked about no more", async () => {
  const scene = makeScene();
  scene.prober.isProven(makeIngress());
  scene.prober.forget("ns/app");
  await scene.pass(1000);
  assert.deepEqual([scene.asked, scene.proven], [[], []]);
  scene.gateways.pods = [];
  assert.equal(scene.prober.isProven(makeIngress()), true);
});

test("the probe asks as Knative's parts expect it, under the route's host", async () => {
  const server = createServer((request, response) => {
    response.setHeader("K-Network-Hash", "abc");
    response.end(JSON.stringify([request.url, request.headers]));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const target: ProbeTarget = { scheme: "http", host: "app.ns", address: "127.0.0.1", port };
  const answer = await probeGateway(target, new AbortController().signal);
  assert.deepEqual([answer.status, answer.hash], [200, "abc"]);
  const [path, headers] = JSON.parse(answer.text);
  assert.equal(path, "/healthz");
  assert.equal(headers.host, "app.ns");
  assert.equal(headers["k-network-probe"], "probe");
  assert.equal(headers["k-network-hash"], "override");
  assert.equal(headers["user-agent"], "Knative-Ingress-Probe");
  server.close();
});
