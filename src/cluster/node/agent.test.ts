import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { connect } from "node:net";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { ConfigMap } from "../../apis/core/configmap.ts";
import { Event } from "../../apis/core/event.ts";
import { Pod } from "../../apis/core/pod.ts";
import type { Container } from "../../apis/core/pod-spec.ts";
import { systemClock } from "../../lib/clock.ts";
import { createAgentWorld, mainOf } from "./agent-world.ts";
import { containerProcesses } from "./process-table.ts";

const clock = systemClock;
const namespace = "default";

describe("the node agent", () => {
  const world = createAgentWorld(clock);
  before(world.start);
  after(world.stop);
  const { sh, run, until, ended, gone } = world;
  const logOf = async (pod: string, query = "", container = "main") =>
    (
      await fetch(
        `http://${world.agent.address}:${world.agent.port}/containerLogs/${namespace}/${pod}/${container}${query}`,
      )
    ).text();
  /** Events come when the pod's status has come already, or later. */
  const untilTold = async (name: string, ...wanted: readonly string[]): Promise<void> => {
    let told: string[] = [];
    for (const deadline = clock.monotonic() + 8000; clock.monotonic() < deadline; await clock.sleep(10)) {
      const { items } = await world.client.of(Event).list({ namespace });
      told = items
        .filter((event) => event.involvedObject?.name === name)
        .map(({ reason, message }) => `${reason}: ${message}`);
      if (wanted.every((text) => told.includes(text))) return;
    }
    throw new Error(`${name} does not tell all of this: ${wanted.join("; ")}. It tells:\n${told.join("\n")}`);
  };

  it("runs a pod to its end, with its variables, volumes and working directory", async () => {
    await world.client.of(ConfigMap).create({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "settings", namespace },
      data: { color: "blue", "a.txt": "text" },
    });
    const script = [
      "cat /etc/settings/a.txt; echo",
      'echo "$COLOR $NAME $GREETING $PREFIX_color"',
      "ls -d /etc/settings >/dev/null 2>&1 || echo 'not on the machine itself'",
      'cat "$HAKN_ROOT/etc/settings/color"; echo',
      "./where; pwd | sed 's,.*/,,'",
      'echo shared > "$SHARED/x"',
      'printf "last words" > "$HAKN_ROOT/dev/termination-log"',
      "exit 3",
    ].join("\n");
    // The shell gets the real path where a word begins with a mount path.
    const main = sh("", {
      command: ["/bin/sh", "-c", script.replace("cat /etc/settings/a.txt", 'cat "$1"'), "sh", "/etc/settings/a.txt"],
      env: [
        { name: "COLOR", valueFrom: { configMapKeyRef: { name: "settings", key: "color" } } },
        { name: "NAME", valueFrom: { fieldRef: { fieldPath: "metadata.name" } } },
        { name: "GREETING", value: "hello-$(NAME)" },
        { name: "SHARED", value: "/shared" },
      ],
      envFrom: [{ prefix: "PREFIX_", configMapRef: { name: "settings" } }],
      volumeMounts: [
        { name: "settings", mountPath: "/etc/settings" },
        { name: "scratch", mountPath: "/shared" },
      ],
    });
    await run("whole", [main], {
      restartPolicy: "Never",
      volumes: [
        { name: "settings", configMap: { name: "settings" } },
        { name: "scratch", emptyDir: {} },
      ],
    });
    const pod = await ended("whole");
    assert.equal(
      await logOf("whole"),
      "text\nblue whole hello-whole blue\nnot on the machine itself\nblue\nin the image\napp\n",
    );
    const { terminated } = mainOf(pod).state!;
    assert.deepEqual(
      [pod.status?.phase, terminated?.exitCode, terminated?.reason, terminated?.message],
      ["Failed", 3, "Error", "last words"],
    );
    assert.equal(mainOf(pod).imageID, sh("").image);
    assert.match(pod.status?.podIP ?? "", /^127\./);
  });

  it("serves the parts of a log that are asked for", async () => {
    await run("logs", [sh("for n in 1 2 3 4; do echo line $n; done")], { restartPolicy: "Never" });
    await ended("logs");
    assert.equal(await logOf("logs", "?tailLines=2"), "line 3\nline 4\n");
    assert.equal(await logOf("logs", "?limitBytes=6"), "line 1");
    assert.equal(await logOf("logs", "?follow=true&tailLines=1"), "line 4\n");
    assert.equal(await logOf("logs", "?sinceSeconds=3600"), "line 1\nline 2\nline 3\nline 4\n");
    assert.match(await logOf("logs", "?timestamps=true&tailLines=1"), /^\d{4}-\d\d-\d\dT[\d:.]+Z line 4\n$/);
    assert.match(
      await logOf("logs", "?previous=true"),
      /^previous terminated container "main" in pod "logs" not found$/,
    );
    assert.match(await logOf("none"), /not found/);
  });

  const server = `require("http").createServer((q, r) => { r.statusCode = q.url === "/ok" && q.headers["x-probe"] === "1" && q.headers["user-agent"].startsWith("kube-probe/") ? 200 : 500; r.end(); }).listen(8080, process.env.HAKN_BIND_ADDRESS)`;
  const httpGet = { path: "/ok", port: 8080, httpHeaders: [{ name: "X-Probe", value: "1" }] };

  it("makes a pod ready as soon as its program answers, though its probe's period is long", async () => {
    const started = clock.monotonic();
    const web = sh("", { command: ["node", "-e", server], readinessProbe: { httpGet, periodSeconds: 60 } });
    await run("ready", [web]);
    const pod = await until(
      "ready",
      "ready",
      ({ status }) => status?.conditions?.find(({ type }) => type === "Ready")?.status === "True",
    );
    assert.ok(clock.monotonic() - started < 5000);
    assert.deepEqual([mainOf(pod).ready, mainOf(pod).started, mainOf(pod).restartCount], [true, true, 0]);
    await world.client.of(Pod).delete({ name: "ready", namespace }, { gracePeriodSeconds: 1 });
    await gone("ready");
    await untilTold("ready", "Started: Started container main", "Killing: Stopping container main");
  });

  it("restarts a container whose program ends, and then waits longer and longer", async () => {
    await run("crash", [sh("echo round; exit 7")]);
    const pod = await until(
      "crash",
      "backing off",
      (found) => mainOf(found).state?.waiting?.reason === "CrashLoopBackOff",
    );
    const { state, lastState, restartCount } = mainOf(pod);
    assert.equal(restartCount, 1);
    assert.equal(lastState?.terminated?.exitCode, 7);
    assert.match(
      state?.waiting?.message ?? "",
      /^back-off 10s restarting failed container=main pod=crash_default\([-0-9a-f]+\)$/,
    );
    assert.equal(pod.status?.phase, "Running");
    assert.equal(await logOf("crash", "?previous=true"), "round\n");
    await world.client.of(Pod).delete({ name: "crash", namespace });
    await gone("crash");
  });

  it("restarts a container that fails its liveness probe", async () => {
    const livenessProbe = {
      exec: { command: ["/bin/sh", "-c", "echo sick; exit 1"] },
      failureThreshold: 1,
      periodSeconds: 1,
      terminationGracePeriodSeconds: 1,
    };
    await run("sick", [sh("exec sleep 1000", { livenessProbe })]);
    await until("sick", "restarted", (found) => mainOf(found).restartCount >= 1);
    await untilTold(
      "sick",
      "Unhealthy: Liveness probe failed: sick",
      "Killing: Container main failed liveness probe, will be restarted",
    );
    await world.client.of(Pod).delete({ name: "sick", namespace }, { gracePeriodSeconds: 0 });
    await gone("sick");
  });

  it("stops a container in good order: hook, SIGTERM, time to end", async () => {
    const trace = join(world.work, "trace");
    const main = sh(`trap 'echo term >> ${trace}; exit 0' TERM; echo up >> ${trace}; while true; do sleep 0.05; done`, {
      lifecycle: { preStop: { exec: { command: ["/bin/sh", "-c", `echo hook >> ${trace}`] } } },
      readinessProbe: { exec: { command: ["grep", "-q", "up", trace] } },
    });
    await run("orderly", [main]);
    await until("orderly", "ready", (found) => mainOf(found).ready === true);
    await world.client.of(Pod).delete({ name: "orderly", namespace });
    await gone("orderly");
    assert.equal(readFileSync(trace, "utf8"), "up\nhook\nterm\n");
  });

  it("kills what does not heed SIGTERM, with all that it started, even in other sessions", async () => {
    await run("stubborn", [sh("trap '' TERM; setsid sleep 1000 & sleep 1000 & while true; do sleep 1; done")]);
    const { uid = "" } = (await until("stubborn", "running", (found) => mainOf(found).state?.running !== undefined))
      .metadata;
    const count = () => containerProcesses("hakn-").filter(({ token }) => token.includes(uid)).length;
    for (let tries = 0; count() < 4 && tries < 300; tries++) await clock.sleep(10);
    assert.ok(count() >= 4);
    await world.client.of(Pod).delete({ name: "stubborn", namespace }, { gracePeriodSeconds: 1 });
    await gone("stubborn");
    assert.equal(count(), 0);
  });

  const refusals: [name: string, container: Partial<Container>, reason: string, message: RegExp][] = [
    ["an image that is not in the registry", { image: "HOST/nothing:v1" }, "ErrImagePull", /nothing:v1: not found$/],
    [
      "an image of another registry",
      { image: "docker.io/library/nginx" },
      "ErrImagePull",
      /is not in the local registry/,
    ],
    ["an image name that is none", { image: "Not An Image" }, "InvalidImageName", /invalid reference format/],
    [
      "a ConfigMap that is missing",
      { envFrom: [{ configMapRef: { name: "nope" } }] },
      "CreateContainerConfigError",
      /^configmap "nope" not found$/,
    ],
    [
      "a key that is missing",
      { env: [{ name: "A", valueFrom: { secretKeyRef: { name: "nope", key: "k" } } }] },
      "CreateContainerConfigError",
      /^secret "nope" not found$/,
    ],
  ];
  for (const [index, [name, container, reason, message]] of refusals.entries()) {
    it(`tells of ${name}`, async () => {
      const found = container.image ? { image: container.image.replace("HOST", world.registry.host) } : container;
      const pod = `refused-${index}`;
      await run(pod, [sh("true", found)]);
      const seen = await until(pod, reason, (each) => mainOf(each).state?.waiting?.reason === reason);
      assert.match(mainOf(seen).state?.waiting?.message ?? "", message);
      await world.client.of(Pod).delete({ name: pod, namespace }, { gracePeriodSeconds: 0 });
      await gone(pod);
    });
  }

  it("tells of a program that there is not", async () => {
    await run("missing", [sh("", { command: ["no-such-program"] })], { restartPolicy: "Never" });
    const { terminated } = mainOf(await ended("missing")).state!;
    assert.deepEqual([terminated?.reason, terminated?.exitCode], ["StartError", 128]);
    assert.match(terminated?.message ?? "", /exec: "no-such-program": executable file not found in \$PATH/);
  });

  it("tells of a program that the system refuses to start", async () => {
    const env = [{ name: "HUGE", value: "x".repeat(200_000) }];
    await run("refused", [sh("true", { env })], { restartPolicy: "Never" });
    const { terminated } = mainOf(await ended("refused")).state!;
    assert.deepEqual([terminated?.reason, terminated?.exitCode], ["StartError", 128]);
  });

  it("runs init containers one after another, before the others", async () => {
    const trace = join(world.work, "init");
    const init = (name: string): Container => ({ ...sh(`echo ${name} >> ${trace}`), name });
    await run("init", [sh(`echo main >> ${trace}`)], {
      restartPolicy: "Never",
      initContainers: [init("one"), init("two")],
    });
    const pod = await ended("init");
    assert.equal(readFileSync(trace, "utf8"), "one\ntwo\nmain\n");
    assert.equal(pod.status?.phase, "Succeeded");
    assert.ok(
      pod.status?.initContainerStatuses?.every(({ ready, state }) => ready && state?.terminated?.exitCode === 0),
    );
  });

  it("gives a revision's program a port of its own, and a port-forward finds it", async () => {
    const main = sh("", {
      command: ["node", "-e", 'require("http").createServer((q, r) => r.end("mine")).listen(process.env.PORT)'],
      env: [{ name: "PORT", value: "8080" }],
      ports: [{ name: "user-port", containerPort: 8080 }],
      readinessProbe: { tcpSocket: { port: 8080 } },
    });
    await run("one", [main]);
    await run("two", [main]);
    for (const name of ["one", "two"]) await until(name, "ready", (found) => mainOf(found).ready === true);
    const socket = connect(world.agent.port, world.agent.address);
    socket.write(
      `GET /portForward/${namespace}/one?port=8080 HTTP/1.1\r\nHost: n\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nGET / HTTP/1.0\r\n\r\n`,
    );
    let text = "";
    for await (const chunk of socket) text += String(chunk);
    assert.match(text, /^HTTP\/1\.1 101 [\s\S]*HTTP\/1\.1 200 OK[\s\S]*mine$/);
  });
});
