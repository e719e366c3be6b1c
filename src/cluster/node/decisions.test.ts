import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { ContainerStatus, Pod } from "../../apis/core/pod.ts";
import type { PodSpec } from "../../apis/core/pod-spec.ts";
import { candidateNetworks, createAddresses, tenantOf } from "./addresses.ts";
import { createRestartBackoff } from "./backoff.ts";
import { fieldValue, resourceValue } from "./downward.ts";
import { expand, makeServiceVariables } from "./environment.ts";
import { pathTranslator } from "./paths.ts";
import { makePodStatus, phaseOf, qosClassOf } from "./pod-status.ts";
import { initialProbeState, nextProbeState, type ProbeKind } from "./probes/state.ts";
import { findUserPort, withUserPort } from "./user-port.ts";

describe("a probe's result", () => {
  const s = "success" as const;
  const f = "failure" as const;
  const rows: [
    name: string,
    kind: ProbeKind,
    thresholds: [success: number, failure: number],
    outcomes: ("success" | "failure")[],
    want: string[],
  ][] = [
    ["readiness begins as failure and follows the first success", "readiness", [1, 3], [s], ["success"]],
    ["liveness survives fewer failures than its threshold", "liveness", [1, 3], [f, f, s, f, f], [s, s, s, s, s]],
    ["liveness fails with the last of them in a row", "liveness", [1, 3], [f, f, f], [s, s, f]],
    ["startup is unknown until it is decided", "startup", [1, 2], [f, f], ["unknown", f]],
    ["successes count in a row", "readiness", [2, 1], [s, f, s, s], [f, f, f, s]],
  ];
  for (const [name, kind, [successThreshold, failureThreshold], outcomes, want] of rows) {
    it(name, () => {
      let state = initialProbeState(kind);
      const seen = outcomes.map((outcome) => {
        state = nextProbeState(state, outcome, { successThreshold, failureThreshold });
        return state.result;
      });
      assert.deepEqual(seen, want);
    });
  }
});

describe("the restart back-off", () => {
  it("restarts at once at first, then after 10 s, doubling up to 5 min, and forgets after 10 min", () => {
    const backoff = createRestartBackoff();
    const waits: number[] = [];
    let now = 1_000_000;
    for (let crash = 0; crash < 8; crash++) {
      const waitMs = backoff.waitMs(now, now);
      waits.push(waitMs / 1000);
      now += waitMs;
      backoff.next(now);
    }
    assert.deepEqual(waits, [0, 10, 20, 40, 80, 160, 300, 300]);
    assert.equal(backoff.waitMs(now + 5000, now + 10_000), 295_000);
    assert.equal(backoff.waitMs(now + 3_600_000, now), 300_000, "the clock was set back by an hour");
    assert.equal(backoff.waitMs(now + 600_001, now + 600_001), 0);
  });
});

describe("paths of a container", () => {
  const translate = pathTranslator("/r", ["/etc/config", "/etc/config/deep/", "/data"]);
  const rows: [text: string, want: string][] = [
    ["/etc/config", "/r/etc/config"],
    ["/etc/config/a.yaml", "/r/etc/config/a.yaml"],
    ["/etc/configuration", "/etc/configuration"],
    ["/etc/config/deep/x", "/r/etc/config/deep/x"],
    ["--file=/data/x", "--file=/r/data/x"],
    ["-f=/other/x", "-f=/other/x"],
    ["see /data/x", "see /data/x"],
    ["http://host/data", "http://host/data"],
  ];
  for (const [text, want] of rows) it(`${text} is ${want}`, () => assert.equal(translate(text), want));
});

describe("variables", () => {
  const rows: [text: string, want: string][] = [
    ["$(A)-$(B)", "1-$(B)"],
    ["$$(A)", "$(A)"],
    ["$A $", "$A $"],
    ["$(A", "$(A"],
    ["$$$(A)", "$1"],
  ];
  for (const [text, want] of rows) it(`${text} expands to ${want}`, () => assert.equal(expand(text, { A: "1" }), want));

  it("tell of the Services of the namespace, and of the API server always", () => {
    const service = (namespace: string, name: string, clusterIP: string) => ({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name, namespace },
      spec: { clusterIP, ports: [{ name: "web-http", port: 80 }] },
    });
    const services = [
      service("ns", "my-db", "10.0.0.1"),
      service("other", "x", "10.0.0.2"),
      service("default", "kubernetes", "10.0.0.3"),
      service("ns", "headless", "None"),
    ];
    const all = makeServiceVariables(services, "ns", true);
    assert.equal(all["MY_DB_SERVICE_HOST"], "10.0.0.1");
    assert.equal(all["MY_DB_SERVICE_PORT_WEB_HTTP"], "80");
    assert.equal(all["MY_DB_PORT_80_TCP"], "tcp://10.0.0.1:80");
    assert.equal(all["X_SERVICE_HOST"], undefined);
    assert.equal(all["HEADLESS_SERVICE_HOST"], undefined);
    assert.deepEqual(
      Object.keys(makeServiceVariables(services, "ns", false)).filter((name) => name.endsWith("_HOST")),
      ["KUBERNETES_SERVICE_HOST"],
    );
  });
});

const knativePod: Pod = {
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name: "hello", namespace: "ns", uid: "u", labels: { a: "1", b: 'x"y' }, annotations: {} },
  spec: {
    nodeName: "n",
    containers: [
      {
        name: "user-container",
        ports: [{ name: "user-port", containerPort: 8080 }],
        env: [
          { name: "PORT", value: "8080" },
          { name: "K_SERVICE", value: "hello" },
        ],
        livenessProbe: { httpGet: { path: "/live", port: 8080 } },
        startupProbe: { tcpSocket: { port: "user-port" } },
      },
      {
        name: "queue-proxy",
        env: [
          { name: "USER_PORT", value: "8080" },
          {
            name: "SERVING_READINESS_PROBE",
            value: '{"tcpSocket":{"port":8080,"host":"127.0.0.1"},"successThreshold":1}',
          },
          { name: "METRICS", value: "8080" },
        ],
        readinessProbe: { httpGet: { port: 8012 } },
      },
    ],
  },
};

describe("the port of a user's program", () => {
  const pod = withUserPort(knativePod, { ...findUserPort(knativePod.spec)!, actual: 23456 });
  const [user, proxy] = pod.spec.containers;
  it("is told to the program", () => {
    assert.deepEqual(
      user?.env?.find(({ name }) => name === "PORT"),
      { name: "PORT", value: "23456" },
    );
    assert.equal(user?.env?.length, 2);
  });
  it("is asked by the program's probes, at the address that any program listens on", () => {
    assert.deepEqual(user?.livenessProbe?.httpGet, { path: "/live", port: 23456, host: "127.0.0.1" });
    assert.deepEqual(user?.startupProbe?.tcpSocket, { port: 23456, host: "127.0.0.1" });
  });
  it("is told to queue-proxy, and nothing else is changed there", () => {
    const env = Object.fromEntries(proxy!.env!.map(({ name, value }) => [name, value]));
    assert.equal(env["USER_PORT"], "23456");
    assert.deepEqual(JSON.parse(env["SERVING_READINESS_PROBE"]!), {
      tcpSocket: { port: 23456, host: "127.0.0.1" },
      successThreshold: 1,
    });
    assert.equal(env["METRICS"], "8080");
    assert.deepEqual(proxy?.readinessProbe, { httpGet: { port: 8012 } });
  });
  it("concerns pods of revisions only", () => {
    assert.equal(findUserPort({ containers: [{ name: "c", ports: [{ containerPort: 80 }] }] }), undefined);
  });
});

describe("the downward API", () => {
  const place = { podIP: "127.1.0.2", hostIP: "127.1.0.1", allocatable: { cpu: "4", memory: "8Gi" } };
  const fields: [path: string, want: string][] = [
    ["metadata.name", "hello"],
    ["metadata.labels['a']", "1"],
    ["metadata.labels", 'a="1"\nb="x\\"y"'],
    ["spec.serviceAccountName", "default"],
    ["status.podIP", "127.1.0.2"],
    ["status.hostIP", "127.1.0.1"],
  ];
  for (const [path, want] of fields)
    it(`${path} is ${want}`, () => assert.equal(fieldValue(knativePod, path, place), want));
  it("refuses other fields", () =>
    assert.throws(() => fieldValue(knativePod, "status.phase", place), /unsupported fieldPath/));
  const container = { resources: { limits: { cpu: "1500m" }, requests: { memory: "100Mi" } } };
  const resources: [resource: string, divisor: string | undefined, want: string][] = [
    ["limits.cpu", undefined, "2"],
    ["limits.cpu", "1m", "1500"],
    ["requests.cpu", "1m", "1500"],
    ["requests.memory", "1Mi", "100"],
    ["limits.memory", "1Gi", "8"],
  ];
  for (const [resource, divisor, want] of resources) {
    it(`${resource} in units of ${divisor ?? 1} is ${want}`, () =>
      assert.equal(resourceValue(container, { resource, ...(divisor && { divisor }) }, place), want));
  }
});

const status = (
  name: string,
  state: NonNullable<ContainerStatus["state"]>,
  more: Partial<ContainerStatus> = {},
): ContainerStatus => ({
  name,
  state,
  ready: state.running !== undefined,
  restartCount: 0,
  image: "",
  imageID: "",
  ...more,
});
const running = { running: { startedAt: "2024-01-01T00:00:00Z" } };
const waiting = { waiting: { reason: "ContainerCreating" } };
const ended = (exitCode: number) => ({ terminated: { exitCode } });

describe("the phase of a pod", () => {
  type Policy = "Always" | "OnFailure" | "Never";
  const rows: [name: string, policy: Policy, init: ContainerStatus[], main: ContainerStatus[], want: string][] = [
    ["waits for containers", "Always", [], [status("a", waiting), status("b", running)], "Pending"],
    ["runs", "Always", [], [status("a", running)], "Running"],
    [
      "runs while a container is started again",
      "Always",
      [],
      [status("a", waiting, { lastState: ended(1) })],
      "Running",
    ],
    ["never ends with Always", "Always", [], [status("a", ended(0))], "Running"],
    ["succeeds when all have", "OnFailure", [], [status("a", ended(0)), status("b", ended(0))], "Succeeded"],
    ["fails with Never when one has", "Never", [], [status("a", ended(0)), status("b", ended(1))], "Failed"],
    ["goes on with OnFailure when one has failed", "OnFailure", [], [status("a", ended(1))], "Running"],
    ["waits for init containers", "Always", [status("i", running)], [status("a", waiting)], "Pending"],
    [
      "fails when an init container has, with Never",
      "Never",
      [status("i", ended(1))],
      [status("a", waiting)],
      "Failed",
    ],
  ];
  for (const [name, restartPolicy, init, containers, want] of rows) {
    it(name, () => {
      const spec: PodSpec = { containers: [], restartPolicy };
      assert.equal(phaseOf(spec, { init, containers }), want);
    });
  }
});

describe("the status of a pod", () => {
  const facts = { init: [], podIP: "127.1.0.2", hostIP: "127.1.0.1", startTime: "2024-01-01T00:00:00Z" };
  const conditionsOf = (pod: Pod, containers: ContainerStatus[]) =>
    Object.fromEntries(
      (makePodStatus(pod, { ...facts, containers }, Date.parse("2024-01-02T00:00:00Z")).conditions ?? []).map(
        (each) => [each.type, each],
      ),
    );
  it("names the containers that are not ready", () => {
    const { Ready, ContainersReady, Initialized } = conditionsOf(knativePod, [
      status("a", running),
      status("b", waiting),
    ]);
    assert.deepEqual(
      [Ready?.status, Ready?.reason, Ready?.message],
      ["False", "ContainersNotReady", "containers with unready status: [b]"],
    );
    assert.equal(ContainersReady?.message, Ready?.message);
    assert.equal(Initialized?.status, "True");
  });
  it("keeps the time of a condition that stays, and conditions of others", () => {
    const earlier = [
      { type: "Ready", status: "True" as const, lastTransitionTime: "2024-01-01T00:00:00Z" },
      { type: "example.com/gate", status: "False" as const },
    ];
    const pod: Pod = { ...knativePod, status: { conditions: earlier } };
    const found = conditionsOf(pod, [status("a", running)]);
    assert.equal(found["Ready"]?.lastTransitionTime, "2024-01-01T00:00:00Z");
    assert.equal(found["ContainersReady"]?.lastTransitionTime, "2024-01-02T00:00:00Z");
    assert.deepEqual(found["example.com/gate"], earlier[1]);
  });
  it("is not ready before its readiness gates are met", () => {
    const gated: Pod = { ...knativePod, spec: { ...knativePod.spec, readinessGates: [{ conditionType: "g" }] } };
    const { Ready, ContainersReady } = conditionsOf(gated, [status("a", running)]);
    assert.deepEqual(
      [Ready?.status, Ready?.reason, ContainersReady?.status],
      ["False", "ReadinessGatesNotReady", "True"],
    );
  });
  const classes: [want: string, resources: object][] = [
    ["BestEffort", {}],
    ["Burstable", { requests: { cpu: "1" } }],
    ["Burstable", { limits: { cpu: "1" } }],
    ["Guaranteed", { limits: { cpu: "1", memory: "1Gi" } }],
    ["Guaranteed", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "1000m", memory: "1024Mi" } }],
    ["Burstable", { limits: { cpu: "1", memory: "1Gi" }, requests: { cpu: "500m" } }],
  ];
  for (const [want, resources] of classes) {
    it(`is of class ${want} with ${JSON.stringify(resources)}`, () =>
      assert.equal(qosClassOf({ containers: [{ name: "c", resources }] }), want));
  }
});

describe("addresses", () => {
  it("begin with a network that follows from the data directory, and try all others", () => {
    const networks = candidateNetworks("/a");
    assert.equal(new Set(networks).size, 234);
    assert.deepEqual(candidateNetworks("/a"), networks);
    assert.notEqual(candidateNetworks("/b")[0], networks[0]);
    assert.ok(networks.every((network) => /^127\.\d+$/.test(network) && network !== "127.0"));
  });
  it("are given once, and again only after a while", () => {
    const addresses = createAddresses("127.20", "own");
    const take = () => addresses.take("revision");
    addresses.reserve("127.20.0.3");
    assert.deepEqual([take(), addresses.take("other")], ["127.20.0.2", "127.20.0.4"]);
    addresses.release("127.20.0.2");
    assert.equal(take(), "127.20.0.5");
    for (let taken = 0; taken < 250; taken++) take();
    assert.match(take(), /^127\.20\.1\./);
  });
  it("say on a shared loopback address which of our programs a pod runs, and are 127.0.0.1 for pods of others", () => {
    const addresses = createAddresses("127.16", "shared");
    addresses.reserve("127.16.2.1");
    const taken = (["controlPlane", "controlPlane", "revision", "other", "other"] as const).map(addresses.take);
    assert.deepEqual(taken, ["127.16.1.1", "127.16.1.2", "127.16.2.2", "127.0.0.1", "127.0.0.1"]);
    addresses.release("127.16.2.1");
    const more = Array.from({ length: 232 }, () => addresses.take("revision"));
    assert.equal(more.at(-1), "127.16.2.1");
    assert.throws(() => addresses.take("revision"), /no address of 127\.16\.0\.0\/16 for pods like it is free/);
  });
  it("of an earlier network are known for it", () => {
    const owns = (mode: "own" | "shared", address: string) => createAddresses("127.17", mode).owns(address);
    assert.deepEqual([owns("own", "127.99.0.2"), owns("own", "127.0.0.1")], [true, false]);
    assert.deepEqual(
      [owns("shared", "127.99.0.2"), owns("shared", "127.17.1.1"), owns("shared", "127.0.0.1")],
      [false, true, true],
    );
  });
  it("go by who runs in a pod", () => {
    const spec = (image: string, port?: string) => ({
      containers: [{ name: "c", image, ...(port && { ports: [{ name: port, containerPort: 80 }] }) }],
    });
    assert.equal(tenantOf(spec("localhost:5050/hakn/controlplane@sha256:1")), "controlPlane");
    assert.equal(tenantOf(spec("localhost:5050/hello@sha256:1", "user-port")), "revision");
    assert.equal(tenantOf(spec("localhost:5050/hakn-fan@sha256:1", "http")), "other");
  });
});
