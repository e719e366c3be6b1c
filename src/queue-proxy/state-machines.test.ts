import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { silentLogger } from "../lib/log.ts";
import { fakeClock } from "../testing/fake-clock.ts";
import { createBreaker } from "./breaker.ts";
import { HeaderList, names } from "./codec/headers.ts";
import { createDeadlineQueue } from "./deadlines.ts";
import { createDrainer } from "./drain.ts";
import { makeForwarded } from "./forwarded.ts";
import { createRequestMetrics } from "./metrics.ts";
import { createRequestStats, encodeStat, startStatReporter } from "./stats.ts";
import { createTracer, type ZipkinSpan } from "./tracing.ts";
import { createZipkinReporter } from "./zipkin.ts";

describe("breaker", () => {
  test("hands slots out in order of arrival, and refuses beyond the queue", () => {
    const breaker = createBreaker(1, 2);
    const started: number[] = [];
    const requests = [0, 1, 2, 9].map((id) => ({ admitted: () => started.push(id) }));
    assert.deepEqual(
      requests.map((request) => breaker.enter(request)),
      ["started", "waiting", "waiting", "full"],
    );
    assert.equal(breaker.inFlight(), 3);
    breaker.withdraw(requests[1]!);
    assert.equal(breaker.inFlight(), 2);
    breaker.leave();
    assert.deepEqual(started, [0, 2]);
    breaker.leave();
    assert.equal(breaker.inFlight(), 0);
  });
});

describe("drain", () => {
  test("ends when no request came for 30 seconds; each request starts the time again", async () => {
    const clock = fakeClock();
    const drainer = createDrainer(clock);
    let ended = false;
    void drainer.drain().then(() => {
      ended = true;
    });
    assert.ok(drainer.draining);
    await clock.advance(29_000);
    drainer.touch();
    await clock.advance(29_999);
    assert.equal(ended, false);
    await clock.advance(1);
    assert.equal(ended, true);
    assert.ok(drainer.draining, "probes go on failing after the drain");
  });

  test("a reset lets the waiters go and serves again", async () => {
    const clock = fakeClock();
    const drainer = createDrainer(clock);
    const waiting = drainer.drain();
    drainer.reset();
    await waiting;
    assert.equal(drainer.draining, false);
    assert.equal(clock.pendingTimers(), 0);
  });
});

describe("deadline queue", () => {
  test("fires each entry after the same delay, unless it was cancelled", async () => {
    const clock = fakeClock();
    const queue = createDeadlineQueue(clock, 100);
    const fired: string[] = [];
    const cancelled = queue.add({ expired: () => fired.push("cancelled") });
    await clock.advance(50);
    queue.add({ expired: () => fired.push("b") });
    cancelled.cancel();
    cancelled.cancel();
    await clock.advance(99);
    assert.deepEqual(fired, []);
    await clock.advance(1);
    assert.deepEqual(fired, ["b"]);
    assert.equal(clock.pendingTimers(), 0);
  });
});

describe("statistics", () => {
  test("average over the second, counts of the second, concurrency carried over", async () => {
    const clock = fakeClock();
    const stats = createRequestStats(clock);
    stats.enter(false);
    await clock.advance(250);
    stats.enter(true);
    await clock.advance(500);
    stats.leave(true);
    await clock.advance(250);
    assert.deepEqual(stats.report(), {
      averageConcurrency: 1.5,
      averageProxiedConcurrency: 0.5,
      requestCount: 2,
      proxiedRequestCount: 1,
    });
    await clock.advance(1000);
    assert.equal(stats.report().averageConcurrency, 1);
  });

  test("the message has the pod's name alone before the first second, and does not change between cuts", async () => {
    const clock = fakeClock();
    const stats = createRequestStats(clock);
    const reporter = startStatReporter(clock, "pod", stats);
    assert.equal(reporter.message().toString("hex"), "0a03706f64");
    stats.enter(false);
    await clock.advance(1000);
    const cut = reporter.message();
    await clock.advance(500);
    assert.equal(reporter.message(), cut);
    reporter.stop();
    assert.equal(clock.pendingTimers(), 0);
  });

  test("zero fields are left out", () => {
    const message = encodeStat(
      "",
      { averageConcurrency: 1, averageProxiedConcurrency: 0, requestCount: 0, proxiedRequestCount: 0 },
      0,
    );
    assert.equal(message.toString("hex"), "11000000000000f03f");
  });
});

describe("Forwarded", () => {
  const cases = [
    ["1.2.3.4", "", "", "for=1.2.3.4"],
    ["1.2.3.4, ::1", "https", "h", 'for=1.2.3.4;host=h;proto=https, for="[::1]"'],
    ["", "https", "", "proto=https"],
    ["", "https", "h", "host=h;proto=https"],
    [" 1.1.1.1 ,2.2.2.2", "", "", "for=1.1.1.1, for=2.2.2.2"],
    ["1.1.1.1,", "", "", "for=1.1.1.1"],
  ] as const;
  for (const [nodes, proto, host, expected] of cases) {
    test(`${JSON.stringify([nodes, proto, host])} gives ${expected}`, () => {
      assert.equal(makeForwarded(nodes, proto, host), expected);
    });
  }
});

describe("metrics", () => {
  test("a latency is cut to whole milliseconds and lies in the first bucket above it", () => {
    const metrics = createRequestMetrics({ namespace: "n", service: "", configuration: "c", revision: "r", pod: "p" });
    metrics.request(200, "DISABLED", 4.9);
    metrics.request(200, "DISABLED", 5);
    const text = metrics.expose();
    assert.match(text, /service_name="unknown",le="5"\} 1\n/);
    assert.match(text, /le="10"\} 2\n/);
    assert.match(text, /revision_request_latencies_sum\{[^}]*\} 9\n/);
  });
});

describe("tracing", () => {
  const traced = (sampleRate: number, headers: HeaderList) => {
    const clock = fakeClock();
    const spans: ZipkinSpan[] = [];
    const tracer = createTracer({
      clock,
      debug: false,
      sampleRate,
      podName: "pod",
      podIp: "1.2.3.4",
      report: (span) => spans.push(span),
    });
    const request = {
      method: "GET",
      target: "/a?b",
      requestUri: "/a?b",
      host: "h",
      protocol: "HTTP/1.1",
      headers,
      bodyLength: 0,
      upgrade: undefined,
      secure: false,
      remoteAddress: "1.1.1.1:1",
    } as const;
    const trace = tracer.start(request);
    trace.waits();
    trace.waited();
    const outgoing = {
      method: "GET",
      target: "/a?b",
      host: "h",
      headers: headers.copy(),
      bodyLength: 0,
      upgrade: undefined,
    } as const;
    trace.sends(outgoing);
    trace.finish(404, 404);
    return { spans, outgoing };
  };

  test("server, proxy, wait and client spans hang together", () => {
    const { spans, outgoing } = traced(1, new HeaderList());
    const [wait, client, proxy, server] = spans;
    assert.deepEqual(
      spans.map((span) => span.name),
      ["queue_wait", "/a", "queue_proxy", "/a"],
    );
    assert.deepEqual(
      spans.map((span) => span.kind),
      [undefined, "CLIENT", undefined, "SERVER"],
    );
    assert.equal(wait!.parentId, proxy!.id);
    assert.equal(client!.parentId, proxy!.id);
    assert.equal(proxy!.parentId, server!.id);
    assert.equal(new Set(spans.map((span) => span.traceId)).size, 1);
    assert.equal(server!.tags?.["http.status_code"], "404");
    assert.equal(server!.tags?.["error"], "NOT_FOUND");
    assert.equal(outgoing.headers.get(names.traceParent), `00-${client!.traceId}-${client!.id}-01`);
  });

  test("unsampled requests report nothing and say so to the container", () => {
    const { spans, outgoing } = traced(0, new HeaderList());
    assert.equal(spans.length, 0);
    assert.equal(outgoing.headers.get(names.b3Sampled), "0");
  });

  test("a collector that never answers holds nothing up, and old spans go", async () => {
    const clock = fakeClock();
    let posts = 0;
    const reporter = createZipkinReporter(clock, silentLogger, () => {
      posts++;
      return new Promise(() => {});
    });
    const span = { timestamp: 1, duration: 1, traceId: "a", id: "b", name: "n", localEndpoint: { serviceName: "s" } };
    for (let count = 0; count < 5000; count++) reporter.report(span);
    await clock.advance(10_000);
    assert.equal(posts, 1);
    assert.equal(clock.pendingTimers(), 0);
  });
});
