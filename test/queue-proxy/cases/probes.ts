import assert from "node:assert/strict";
import type { Case, Suite } from "../case.ts";
import { get } from "../wire.ts";

interface ProbeCase {
  readonly name: string;
  readonly headers: string;
  readonly method?: string;
  readonly status: number;
  readonly body: string;
  readonly container: boolean;
}

const table: readonly ProbeCase[] = [
  {
    name: "a kubelet's probe is answered by the proxy",
    headers: "User-Agent: kube-probe/1.30\r\nK-Network-Probe: queue\r\n",
    status: 200,
    body: "queue",
    container: false,
  },
  {
    name: "an activator's probe is answered by the proxy",
    headers: "User-Agent: Knative-Activator-Probe\r\nK-Network-Probe: queue\r\n",
    status: 200,
    body: "queue",
    container: false,
  },
  {
    name: "an autoscaler's probe is answered by the proxy",
    headers: "User-Agent: Knative-Autoscaling-Probe\r\nK-Network-Probe: queue\r\n",
    status: 200,
    body: "queue",
    container: false,
  },
  {
    name: "a kubelet's probe by POST",
    method: "POST",
    headers: "User-Agent: kube-probe/1.30\r\nK-Network-Probe: queue\r\n",
    status: 200,
    body: "queue",
    container: false,
  },
  {
    name: "a kubelet's probe without K-Network-Probe",
    headers: "User-Agent: kube-probe/1.30\r\n",
    status: 400,
    body: "unexpected probe header value: \n",
    container: false,
  },
  {
    name: "a kubelet's probe with another value",
    headers: "User-Agent: kube-probe/1.30\r\nK-Network-Probe: probe\r\n",
    status: 400,
    body: "unexpected probe header value: probe\n",
    container: false,
  },
  {
    name: "a user agent that only looks like a kubelet's",
    headers: "User-Agent: kube-prober\r\nK-Network-Probe: queue\r\n",
    status: 200,
    body: "ok",
    container: true,
  },
  {
    name: "a user agent in other letters",
    headers: "User-Agent: Kube-Probe/1.30\r\n",
    status: 200,
    body: "ok",
    container: true,
  },
  {
    name: "an ingress probe without a hash",
    headers: "K-Network-Probe: probe\r\n",
    status: 400,
    body: 'a probe request must contain a non-empty "K-Network-Hash" header\n',
    container: false,
  },
  {
    name: "an ingress probe with a hash",
    headers: "K-Network-Probe: probe\r\nK-Network-Hash: abc\r\n",
    status: 200,
    body: "",
    container: false,
  },
  {
    name: "K-Network-Probe: queue from an ordinary client",
    headers: "K-Network-Probe: queue\r\n",
    status: 200,
    body: "ok",
    container: true,
  },
  {
    name: "K-Kubelet-Probe without a kubelet's user agent",
    headers: "K-Kubelet-Probe: queue\r\n",
    status: 200,
    body: "ok",
    container: true,
  },
];

const answered: readonly Case[] = table.map(({ name, headers, method = "GET", status, body, container }) => ({
  name: `${name}: ${status}`,
  async run({ backend, exchange }) {
    const answer = await exchange(get("/any/path", headers).replace(/^GET/, method));
    assert.equal(Number(answer.startLine.split(" ")[1]), status);
    assert.equal(answer.body, body);
    assert.equal(backend.requests.length, container ? 1 : 0);
  },
}));

/** Health checks, ingress probes, and the drain that a container's preStop hook starts. */
export const probes: Suite = {
  name: "probes",
  environment: {},
  cases: [
    ...answered,
    {
      name: "an ingress probe gets its hash back",
      async run({ exchange }) {
        const answer = await exchange(get("/", "K-Network-Probe: probe\r\nK-Network-Hash: abc\r\n"));
        assert.equal(answer.headers["k-network-hash"], "abc");
        assert.equal(answer.headers["content-length"], "0");
      },
    },
    {
      name: "a health check's answer is plain text",
      async run({ exchange }) {
        const answer = await exchange(get("/", "User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n"));
        assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
        assert.equal(answer.headers["content-length"], "5");
      },
    },
    {
      name: "a refused health check is not to be sniffed",
      async run({ exchange }) {
        const answer = await exchange(get("/", "User-Agent: kube-probe/1\r\n"));
        assert.equal(answer.headers["x-content-type-options"], "nosniff");
        assert.equal(answer.headers["content-type"], "text/plain; charset=utf-8");
      },
    },
    {
      name: "a preStop hook without a TERM is let go after a second; probes fail meanwhile, requests do not",
      async run({ subject, connect, exchange }) {
        const hook = connect(subject.ports.admin);
        const startedMs = performance.now();
        hook.send(get("/wait-for-drain"));
        // The hook and the probe come over different connections: ask until the drain has begun.
        let probe = await exchange(get("/", "User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n"));
        while (probe.startLine.includes(" 200 ")) {
          probe = await exchange(get("/", "User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n"));
        }
        assert.match(probe.startLine, / 503 /);
        assert.equal(probe.body, "shutting down\n");
        const ingress = await exchange(get("/", "K-Network-Probe: probe\r\nK-Network-Hash: a\r\n"));
        assert.equal(ingress.body, "shutting down\n");
        assert.match((await exchange(get())).startLine, / 200 /);
        assert.match((await hook.message()).startLine, / 200 /);
        const tookMs = performance.now() - startedMs;
        assert.ok(tookMs > 900 && tookMs < 2500, `${tookMs} ms`);
        assert.match(
          (await exchange(get("/", "User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n"))).startLine,
          / 200 /,
        );
      },
    },
    {
      name: "other paths of the admin server are not found",
      async run({ subject, exchange }) {
        const answer = await exchange(get("/"), subject.ports.admin);
        assert.match(answer.startLine, / 404 /);
        assert.equal(answer.body, "404 page not found\n");
      },
    },
  ],
};

const httpProbe = (extra = "") =>
  `{"httpGet":{"path":"/ready","port":PORT,"host":"127.0.0.1","scheme":"HTTP","httpHeaders":[{"name":"X-P","value":"1"}]}${extra}}`;
const kubelet = get("/", "User-Agent: kube-probe/1\r\nK-Network-Probe: queue\r\n");

/** The readiness executor; PORT stands for the container's port. */
export const readiness: Suite = {
  name: "readiness by HTTP",
  environment: { SERVING_READINESS_PROBE: httpProbe(',"periodSeconds":1,"timeoutSeconds":1,"successThreshold":1') },
  cases: [
    {
      name: "the container is asked with the configured path and headers",
      async run({ backend, exchange }) {
        const answer = await exchange(kubelet);
        assert.equal(answer.body, "queue");
        const request = await backend.request();
        assert.equal(request.startLine, "GET /ready HTTP/1.1");
        assert.equal(request.headers["user-agent"], "kube-probe//");
        assert.equal(request.headers["x-p"], "1");
        assert.equal(request.headers["connection"], "close");
      },
    },
    {
      name: "a failing container makes the probe 503 without a body",
      async run({ backend, exchange }) {
        backend.answer = ({ socket }) => socket.end("HTTP/1.1 500 X\r\nContent-Length: 0\r\n\r\n");
        const answer = await exchange(kubelet);
        assert.match(answer.startLine, / 503 /);
        assert.equal(answer.body, "");
      },
    },
    {
      name: "a redirect is followed",
      async run({ backend, exchange }) {
        backend.answer = ({ socket, startLine }) => {
          const target = startLine.includes("/there") ? "HTTP/1.1 404 X\r\n" : "HTTP/1.1 302 X\r\nLocation: /there\r\n";
          socket.end(`${target}Content-Length: 0\r\n\r\n`);
        };
        assert.match((await exchange(kubelet)).startLine, / 503 /);
        assert.equal(backend.requests.length, 2);
      },
    },
    {
      name: "callers that come together share one check",
      async run({ backend, connect }) {
        backend.answer = () => {};
        const clients = [connect(), connect(), connect()];
        for (const client of clients) client.send(kubelet);
        const { socket } = await backend.request();
        await backend.until(() => backend.requests.length === 1);
        // The others are known to have arrived once a later request on their connections would be seen.
        await new Promise((resolve) => setTimeout(resolve, 100));
        socket.end("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        for (const client of clients) assert.match((await client.message()).startLine, / 200 /);
        assert.equal(backend.requests.length, 1);
      },
    },
  ],
};

/** The aggressive executor. */
export const aggressiveReadiness: Suite = {
  name: "aggressive readiness",
  environment: { SERVING_READINESS_PROBE: httpProbe(',"successThreshold":3') },
  cases: [
    {
      name: "tries until so many successes in a row, 50 ms apart",
      async run({ backend, exchange }) {
        let asked = 0;
        backend.answer = ({ socket }) => {
          asked++;
          socket.end(`HTTP/1.1 ${asked <= 2 ? 500 : 200} X\r\nContent-Length: 0\r\n\r\n`);
        };
        const startedMs = performance.now();
        assert.match((await exchange(kubelet)).startLine, / 200 /);
        // A try that a busy machine lets take more than 100 ms fails and begins the row anew: when exactly is in readiness.test.ts.
        assert.ok(asked >= 5, `asked ${asked} times`);
        assert.ok(performance.now() - startedMs > 150);
      },
    },
  ],
};

/** TCP readiness. */
export const tcpReadiness: Suite = {
  name: "readiness by TCP",
  environment: {
    SERVING_READINESS_PROBE: '{"tcpSocket":{"port":PORT,"host":"127.0.0.1"},"periodSeconds":1,"timeoutSeconds":1}',
  },
  cases: [
    {
      name: "a container that accepts is ready, without a request",
      async run({ backend, exchange }) {
        assert.equal((await exchange(kubelet)).body, "queue");
        assert.equal(backend.requests.length, 0);
      },
    },
  ],
};

/** A probe that only a kubelet could run; the controller never writes one. */
export const execReadiness: Suite = {
  name: "readiness by a command",
  environment: { SERVING_READINESS_PROBE: '{"exec":{"command":["true"]},"periodSeconds":1,"timeoutSeconds":1}' },
  cases: [
    {
      name: "is not supported, and so never ready",
      async run({ backend, exchange }) {
        assert.match((await exchange(kubelet)).startLine, / 503 /);
        assert.equal(backend.requests.length, 0);
      },
    },
  ],
};

/** Several containers at once. */
export const severalProbes: Suite = {
  name: "several readiness probes",
  environment: {
    ENABLE_MULTI_CONTAINER_PROBES: "true",
    SERVING_READINESS_PROBE: `[${httpProbe(',"periodSeconds":1,"timeoutSeconds":1')},{"tcpSocket":{"port":1,"host":"127.0.0.1"},"periodSeconds":1,"timeoutSeconds":1}]`,
  },
  cases: [
    {
      name: "one that fails is enough to be not ready",
      async run({ exchange }) {
        assert.match((await exchange(kubelet)).startLine, / 503 /);
      },
    },
  ],
};
