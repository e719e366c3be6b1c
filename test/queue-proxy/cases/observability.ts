import assert from "node:assert/strict";
import type { Suite } from "../case.ts";
import { get, ok } from "../wire.ts";

const labels =
  'configuration_name="hello",container_name="queue-proxy",namespace_name="default",pod_name="hello-pod",response_code="200",response_code_class="2xx",revision_name="hello-00001"';

/** Series whose value is at least `least`. */
function assertSeries(text: string, series: string, least = 1): void {
  const line = text.split("\n").find((candidate) => candidate.startsWith(`${series} `));
  assert.ok(line, `${series} is missing in\n${text}`);
  assert.ok(Number(line.split(" ").at(-1)) >= least, line);
}

/** Statistics for the autoscaler and metrics for people. */
export const observability: Suite = {
  name: "observability",
  environment: { CONTAINER_CONCURRENCY: "10" },
  cases: [
    {
      name: "requests are counted with code, class and route tag",
      async run({ subject, exchange }) {
        await exchange(get());
        const { body, headers } = await exchange(get("/metrics"), subject.ports.userMetrics);
        assert.match(headers["content-type"] ?? "", /^text\/plain; version=0\.0\.4/);
        assertSeries(body, `revision_request_count{${labels},route_tag="DISABLED",service_name="hello"}`);
        assertSeries(body, `revision_app_request_count{${labels},service_name="hello"}`);
        assertSeries(
          body,
          `revision_request_latencies_bucket{${labels},route_tag="DISABLED",service_name="hello",le="+Inf"}`,
        );
        assertSeries(body, `revision_app_request_latencies_bucket{${labels},service_name="hello",le="100000"}`);
        assertSeries(body, `revision_app_request_latencies_count{${labels},service_name="hello"}`);
        assert.match(body, /# TYPE revision_queue_depth gauge/);
        assert.match(body, /# HELP revision_request_count The number of requests that are routed to queue-proxy/);
      },
    },
    ...[
      ["Knative-Serving-Default-Route: true\r\n", "DEFAULT"],
      ["Knative-Serving-Default-Route: true\r\nKnative-Serving-Tag: t\r\n", "UNDEFINED"],
      ["Knative-Serving-Default-Route: false\r\nKnative-Serving-Tag: t\r\n", "t"],
    ].map(([headers = "", tag = ""]) => ({
      name: `the route tag ${tag}`,
      async run({ subject, exchange }: Parameters<Suite["cases"][number]["run"]>[0]) {
        await exchange(get("/", headers));
        const { body } = await exchange(get("/metrics"), subject.ports.userMetrics);
        assertSeries(body, `revision_request_count{${labels},route_tag="${tag}",service_name="hello"}`);
      },
    })),
    {
      name: "probes are not counted",
      async run({ subject, exchange }) {
        const count = async () => {
          const { body } = await exchange(get("/metrics"), subject.ports.userMetrics);
          return body
            .split("\n")
            .filter((line) => line.startsWith("revision_request_count"))
            .join();
        };
        await exchange(get());
        const before = await count();
        await exchange(get("/", "K-Network-Probe: queue\r\n"));
        await exchange(get("/", "K-Kubelet-Probe: x\r\n"));
        assert.equal(await count(), before);
      },
    },
    {
      name: "the autoscaler's message tells pod, concurrency and requests of the last second",
      async run({ subject, backend, connect, exchange }) {
        backend.answer = () => {};
        const client = connect();
        client.send(get("/", "K-Proxy-Request: activator\r\n"));
        const { socket } = await backend.request();
        // Until a whole second has gone by with this request alone.
        let found: Record<number, number | string> = {};
        for (let attempt = 0; attempt < 60 && !(Number(found[3]) > 0.99); attempt++) {
          await new Promise((resolve) => setTimeout(resolve, 60));
          const answer = await exchange(get("/metrics"), subject.ports.metrics);
          assert.equal(answer.headers["content-type"], "application/protobuf");
          found = decode(Buffer.from(answer.body, "latin1"));
        }
        assert.equal(found[1], "hello-pod");
        assert.ok(Math.abs(Number(found[2]) - 1) < 0.1, `average concurrency ${found[2]}`);
        assert.ok(Math.abs(Number(found[3]) - 1) < 0.1, `average proxied concurrency ${found[3]}`);
        assert.ok(Number(found[6]) > 0, "process uptime");
        socket.write(ok("x"));
        await client.message();
      },
    },
    {
      name: "other paths of the statistics server are not found",
      async run({ subject, exchange }) {
        assert.match((await exchange(get("/"), subject.ports.metrics)).startLine, / 404 /);
      },
    },
  ],
};

/** A protobuf message of strings and doubles, by field number. */
function decode(bytes: Buffer): Record<number, number | string> {
  const fields: Record<number, number | string> = {};
  let position = 0;
  while (position < bytes.length) {
    const tag = bytes[position++]!;
    if ((tag & 7) === 2) {
      const length = bytes[position++]!;
      fields[tag >> 3] = bytes.toString("utf8", position, position + length);
      position += length;
    } else {
      assert.equal(tag & 7, 1);
      fields[tag >> 3] = bytes.readDoubleLE(position);
      position += 8;
    }
  }
  return fields;
}

const template =
  '{"m":"{{.Request.Method}}","u":"{{js .Request.RequestURI}}","s":{{.Response.Code}},"n":{{.Response.Size}},"r":"{{.Revision.Name}}","h":"{{js .Request.Host}}","t":{{index .Request.Header "X-B3-Traceid"}},"a":"{{.Request.UserAgent}}"}';

/** The request log. */
export const requestLog: Suite = {
  name: "request log",
  environment: { SERVING_ENABLE_REQUEST_LOG: "true", SERVING_REQUEST_LOG_TEMPLATE: template },
  cases: [
    {
      name: "one line per request, from the template; probes are left out",
      async run({ subject, exchange, backend }) {
        await exchange(get("/", "User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n"));
        await exchange(get("/a?b='c'", "User-Agent: me\r\nX-B3-TraceId: abc\r\n"));
        await backend.until(() => subject.log().includes('"u":"/a'));
        const lines = subject
          .log()
          .split("\n")
          .filter((line) => line.startsWith('{"m"'));
        assert.deepEqual(lines, [
          '{"m":"GET","u":"/a?b\\u003D\\\'c\\\'","s":200,"n":2,"r":"hello-00001","h":"h.example","t":[abc],"a":"me"}',
        ]);
      },
    },
  ],
};

/** Trace headers. */
export const tracing: Suite = {
  name: "tracing",
  environment: { TRACING_CONFIG_BACKEND: "zipkin", TRACING_CONFIG_SAMPLE_RATE: "0" },
  cases: [
    {
      name: "a trace of the client's goes on, in both forms",
      async run({ backend, exchange }) {
        const traceId = "4bf92f3577b34da6a3ce929d0e0e4736";
        await exchange(get("/", `traceparent: 00-${traceId}-00f067aa0ba902b7-01\r\n`));
        const { headers } = await backend.request();
        assert.match(headers["traceparent"] ?? "", new RegExp(`^00-${traceId}-[0-9a-f]{16}-01$`));
        assert.doesNotMatch(headers["traceparent"] ?? "", /00f067aa0ba902b7/);
        assert.equal(headers["x-b3-traceid"], traceId);
        assert.equal(headers["x-b3-sampled"], "1");
      },
    },
    {
      name: "B3 headers are understood",
      async run({ backend, exchange }) {
        await exchange(
          get(
            "/",
            "X-B3-TraceId: a3ce929d0e0e4736a3ce929d0e0e4736\r\nX-B3-SpanId: 00f067aa0ba902b7\r\nX-B3-Sampled: 0\r\n",
          ),
        );
        const { headers } = await backend.request();
        assert.match(headers["traceparent"] ?? "", /^00-a3ce929d0e0e4736a3ce929d0e0e4736-[0-9a-f]{16}-00$/);
        assert.equal(headers["x-b3-sampled"], "0");
      },
    },
    {
      name: "a request without a trace gets one",
      async run({ backend, exchange }) {
        await exchange(get());
        assert.match((await backend.request()).headers["traceparent"] ?? "", /^00-[0-9a-f]{32}-[0-9a-f]{16}-00$/);
      },
    },
  ],
};
