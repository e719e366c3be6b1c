import assert from "node:assert/strict";
import { test } from "node:test";
import { silentLogger } from "../lib/log.ts";
import { createDecisionRing } from "./explain/decision-ring.ts";
import type { Explanation } from "./explain/explanation.ts";
import { type AutoscalerServer, startAutoscalerServer } from "./server.ts";
import { testSpec } from "./spec-world.ts";

const explanation: Explanation = {
  atMs: Date.parse("2024-01-01T00:10:00Z"),
  before: 2,
  want: 30,
  desiredPods: 41,
  excessBurstCapacity: 0,
  readyPods: 25,
  stableValue: 2834,
  panicValue: 2900,
  mode: "stable",
  rule: "max scale",
  advisedBy: "stable window",
  asked: { stable: 41, panic: 42 },
  rates: { least: 12, most: 25_000 },
  bounds: { min: 2, max: 30 },
  spec: testSpec,
};

const ring = createDecisionRing();
ring.add(explanation);

interface Replica extends AutoscalerServer {
  readonly address: string;
}

/** A replica that decides for `keys` and sends questions about others to `owner`. */
async function startReplica(keys: readonly string[], owner?: string): Promise<Replica> {
  const server = await startAutoscalerServer({
    at: { host: "127.0.0.1", port: 0 },
    multiScaler: { keys: () => keys, decisions: (key) => (keys.includes(key) ? ring : undefined) },
    ownerAddress: (key) => (key === "ns/nobodys" ? undefined : owner),
    peerAddresses: () => (owner ? [owner] : []),
    ownsBucket: () => true,
    onStats: () => {},
    onMemoryLink: () => () => {},
    log: silentLogger,
  });
  return { ...server, address: `127.0.0.1:${server.port}` };
}

test("why a revision has so many pods: whichever replica is asked", async (t) => {
  const owner = await startReplica(["ns/app"]);
  const other = await startReplica(["ns/mine"], owner.address);
  const lonely = await startReplica([], "127.0.0.1:1");
  t.after(() => Promise.all([owner.close(), other.close(), lonely.close()]));
  const ask = async (replica: Replica, path: string) => {
    const response = await fetch(`http://${replica.address}${path}`, { headers: { connection: "close" } });
    return [response.status, JSON.parse(await response.text())] as const;
  };

  const answer = await ask(owner, "/decisions/ns/app");
  assert.equal(answer[0], 200);
  assert.equal(answer[1].revision, "ns/app");
  assert.deepEqual(
    answer[1].decisions.map((one: Record<string, unknown>) => [
      one.at,
      one.from,
      one.to,
      one.rule,
      one.heldBack,
      one.observed,
    ]),
    [["2024-01-01T00:10:00Z", 2, 30, "max scale", true, { stable: 2834, panic: 2900, readyPods: 25 }]],
  );
  assert.match(answer[1].latest.text, /the load asks for 41 .*; max-scale is 30/);
  assert.deepEqual(await ask(other, "/decisions/ns/app"), answer);

  const revisions = async (replica: Replica) =>
    (await ask(replica, "/decisions"))[1].revisions.map(({ revision }: { revision: string }) => revision);
  assert.deepEqual(await revisions(owner), ["ns/app"]);
  assert.deepEqual(await revisions(other), ["ns/mine", "ns/app"]);
  assert.deepEqual(await revisions(lonely), []);

  const unknown: [Replica, string, number, RegExp][] = [
    [owner, "/decisions/ns/nobodys", 404, /no replica decides for it now/],
    [lonely, "/decisions/ns/app", 502, /its owner at 127.0.0.1:1 does not answer/],
    [owner, "/decisions/ns/%zz", 404, /nothing is known of ns\/%zz/],
  ];
  for (const [replica, path, status, error] of unknown) {
    const [got, body] = await ask(replica, path);
    assert.equal(got, status, path);
    assert.match(body.error, error);
  }
});

test("two replicas that each take the other for the owner do not ask each other for ever", async (t) => {
  const peer: { address?: string } = {};
  const first = await startAutoscalerServer({
    at: { host: "127.0.0.1", port: 0 },
    multiScaler: { keys: () => [], decisions: () => undefined },
    ownerAddress: () => peer.address,
    peerAddresses: () => [],
    ownsBucket: () => true,
    onStats: () => {},
    onMemoryLink: () => () => {},
    log: silentLogger,
  });
  const second = await startReplica([], `127.0.0.1:${first.port}`);
  peer.address = second.address;
  t.after(() => Promise.all([first.close(), second.close()]));
  const response = await fetch(`http://${second.address}/decisions/ns/app`, { headers: { connection: "close" } });
  assert.equal(response.status, 502);
  await response.text();
});

test("a draining replica fails its probes and still answers", async (t) => {
  const replica = await startReplica(["ns/app"]);
  t.after(() => replica.close());
  const status = async (path: string, headers: Record<string, string> = {}) => {
    const response = await fetch(`http://${replica.address}${path}`, { headers: { connection: "close", ...headers } });
    await response.text();
    return response.status;
  };
  assert.equal(await status("/", { "user-agent": "kube-probe/1.34" }), 200);
  assert.equal(await status("/elsewhere"), 404);
  replica.drain();
  assert.equal(await status("/", { "k-kubelet-probe": "queue" }), 503);
  assert.equal(await status("/decisions/ns/app"), 200);
});
