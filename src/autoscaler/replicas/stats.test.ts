import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { WebSocket } from "ws";
import { silentLogger } from "../../lib/log.ts";
import { fakeClock } from "../../testing/fake-clock.ts";
import { emptyStat, type Stat, StatError } from "../scrape/stat.ts";
import type { Connect } from "./link.ts";
import { createStatRouter } from "./stat-router.ts";
import { serveStats } from "./stat-server.ts";
import { decodeWireStats, encodeWireStats, type KeyedStat } from "./wire-stats.ts";

const statOf = (podName: string, concurrency: number): Stat => ({
  ...emptyStat,
  podName,
  averageConcurrentRequests: concurrency,
  requestCount: 7,
  timestampSeconds: 1_704_067_200,
});

/** WireStatMessages{messages: {namespace: "ns", name: "app", stat: {pod_name: "p", average_concurrent_requests: 1.5, timestamp: 1}}} */
const fromUpstream = Buffer.from(`0a190a026e731203617070${"1a0e"}0a01${"70"}11000000000000f83f3801`, "hex");

test("what upstream's forwarder sends is understood", () => {
  const { stats, refused } = decodeWireStats(fromUpstream);
  assert.equal(refused, 0);
  assert.deepEqual(
    stats.map(({ key, stat }) => [key, stat.podName, stat.averageConcurrentRequests, stat.timestampSeconds]),
    [["ns/app", "p", 1.5, 1]],
  );
});

test("encoding and decoding agree; impossible numbers are counted, broken bytes refused", () => {
  const stats: KeyedStat[] = [
    { key: "ns/app", stat: statOf("a", 3) },
    { key: "other/app", stat: statOf("b", 0) },
  ];
  assert.deepEqual(decodeWireStats(encodeWireStats(stats)), { stats, refused: 0 });
  const absurd = encodeWireStats([{ key: "ns/app", stat: statOf("a", Number.NaN) }, stats[1]!]);
  assert.deepEqual(decodeWireStats(absurd), { stats: [stats[1]], refused: 1 });
  assert.throws(() => decodeWireStats(fromUpstream.subarray(0, 9)), StatError);
});

test("the autoscaler's port takes stats by WebSocket, and refuses those for another replica's bucket", async () => {
  const taken: { key: string; passedOn: boolean }[] = [];
  const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
  const server = createServer();
  const stats = serveStats(server, {
    ownsBucket: (name) => name === "autoscaler-bucket-00-of-02",
    onStats(received, passedOn) {
      taken.push(...received.map(({ key }) => ({ key, passedOn })));
      if (taken.length === 2) arrive();
    },
    onMemoryLink: () => () => {},
    log: silentLogger,
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const connect = (path: string, host: string) =>
    new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host: `${host}.knative-serving.svc:8080` } });
  try {
    const activator = connect("/", "autoscaler");
    const bucket = connect("/", "autoscaler-bucket-00-of-02");
    await Promise.all([once(activator, "open"), once(bucket, "open")]);
    activator.send("text is no stat");
    activator.send(fromUpstream.subarray(0, 9));
    activator.send(fromUpstream);
    bucket.send(fromUpstream);
    await arrived;
    assert.deepEqual(taken, [
      { key: "ns/app", passedOn: false },
      { key: "ns/app", passedOn: false },
    ]);

    const [refusal] = await once(connect("/", "autoscaler-bucket-01-of-02"), "error");
    assert.match(String(refusal), /421/);

    const closed = Promise.all([once(activator, "close"), once(bucket, "close")]);
    await stats.close(5000);
    assert.deepEqual(
      (await closed).map(([code]) => code),
      [1012, 1012],
      "clients are told to connect anew",
    );
  } finally {
    server.close();
  }
});

/** A router whose links end in `sent`; `up` says which replicas can be reached. */
function createRouting(owners: Record<string, string>, up: Set<string>) {
  const clock = fakeClock();
  const accepted: string[] = [];
  const ages: number[] = [];
  const sent: string[] = [];
  const connect: Connect = (url) => {
    const { host } = new URL(url);
    return {
      send(message) {
        if (!up.has(host)) return false;
        for (const { key } of decodeWireStats(message as Uint8Array).stats) sent.push(`${host} ${key}`);
        return true;
      },
      close: () => {},
    };
  };
  const router = createStatRouter({
    owns: (key) => owners[key] === "us",
    ownerAddress: (key) => owners[key],
    accept: (key, _stat, ageMs) => {
      accepted.push(key);
      ages.push(ageMs);
    },
    connect,
    clock,
    log: silentLogger,
  });
  return { clock, accepted, ages, sent, router };
}

const keyed = (...keys: string[]) => keys.map((key) => ({ key, stat: statOf("p", 1) }));

test("a stat goes to the owner of its revision", async () => {
  const { router, accepted, sent, clock } = createRouting({ "ns/a": "us", "ns/b": "b:8080" }, new Set(["b:8080"]));
  router.route(keyed("ns/a", "ns/b"));
  assert.deepEqual([accepted, sent], [["ns/a"], ["b:8080 ns/b"]]);
  router.close();
  assert.equal(clock.pendingTimers(), 0);
});

test("a stat is as old as its time says, where that can be true", () => {
  const { router, ages, clock } = createRouting({ "ns/a": "us" }, new Set());
  const seconds = clock.now() / 1000;
  for (const timestampSeconds of [undefined, seconds - 3, seconds - 15, seconds - 0.5, seconds - 16, seconds + 5]) {
    const stat = { ...statOf("p", 1), ...(timestampSeconds !== undefined && { timestampSeconds }) };
    router.route([{ key: "ns/a", stat }]);
  }
  assert.deepEqual(ages, [0, 3000, 15_000, 0, 0, 0]);
  router.close();
});

test("a stat waits for an owner that is not known or not reachable, and is dropped after 15 s", async () => {
  const owners: Record<string, string> = { "ns/b": "b:8080" };
  const up = new Set<string>();
  const { router, accepted, sent, clock } = createRouting(owners, up);
  router.route(keyed("ns/b", "ns/c"));
  await clock.advance(5000);
  assert.deepEqual([accepted, sent], [[], []]);
  up.add("b:8080");
  await clock.advance(1000);
  assert.deepEqual(sent, ["b:8080 ns/b"]);
  await clock.advance(10_000);
  assert.equal(router.dropped(), 1);
  owners["ns/c"] = "us";
  await clock.advance(1000);
  assert.deepEqual(accepted, []);
  router.close();
  assert.equal(clock.pendingTimers(), 0);
});

test("what was passed on to us is not passed on at once, but when the owner is known anew", async () => {
  const owners: Record<string, string> = { "ns/b": "b:8080" };
  const { router, accepted, sent, clock } = createRouting(owners, new Set(["b:8080"]));
  router.route(keyed("ns/b"), true);
  assert.deepEqual(sent, []);
  owners["ns/b"] = "us";
  await clock.advance(500);
  assert.deepEqual([accepted, sent], [["ns/b"], []]);
  router.close();
});

test("at most a thousand stats wait", () => {
  const { router } = createRouting({}, new Set());
  router.route(keyed(...Array.from({ length: 1500 }, (_, index) => `ns/${index}`)));
  assert.equal(router.dropped(), 500);
  router.close();
});
