import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { kubectlPath, root, startLoad, startTestCluster, type TestCluster } from "./cluster.ts";

/** Reads an example's YAML; images come from this test's own registry. */
function example(path: string, cluster: TestCluster): string {
  return readFileSync(join(root, "examples", path), "utf8").replaceAll("localhost:5050", cluster.registry);
}

const wait = ["--for=condition=Ready", "--timeout=60s"];

describe("the examples on the embedded cluster", {
  skip: kubectlPath ? false : "kubectl is not on this machine",
}, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
  });
  after(() => cluster.stop());

  test("hello: deployed from a directory, reached through the gateway, shown by kubectl", async () => {
    const deployed = JSON.parse(await cluster.hakn("deploy", "examples/hello", "--json"));
    assert.equal(deployed.ready, true);
    assert.match(deployed.image, /^localhost:\d+\/hello@sha256:[0-9a-f]{64}$/);
    assert.equal(deployed.url, `http://hello.default.localhost:${cluster.gatewayPort}`);

    const answer = await cluster.get(`hello.default.localhost:${cluster.gatewayPort}`);
    assert.deepEqual([answer.status, answer.body], [200, "Hello World!\n"]);

    const shown = await cluster.kubectl("get", "ksvc,cfg,rev,rt,kpa,sks,king,vs,deploy");
    for (const want of [
      /service\.serving\.knative\.dev\/hello +http:\/\/hello\.default\.localhost +hello-00001 +hello-00001 +True/,
      /configuration\.serving\.knative\.dev\/hello +hello-00001 +hello-00001 +True/,
      /revision\.serving\.knative\.dev\/hello-00001 +hello +1 +True +2 +2/,
      /route\.serving\.knative\.dev\/hello +http:\/\/hello\.default\.localhost +True/,
      /podautoscaler\.autoscaling\.internal\.knative\.dev\/hello-00001 +2 +2 +True/,
      /serverlessservice\.networking\.internal\.knative\.dev\/hello-00001 +Serve +2 +hello-00001 +hello-00001-private +True/,
      /ingress\.networking\.internal\.knative\.dev\/hello +True/,
      /virtualservice\.networking\.istio\.io\/hello-ingress/,
      /deployment\.apps\/hello-00001-deployment +2\/2 +2 +2/,
    ]) {
      assert.match(shown, want);
    }
    const message = "jsonpath={range .items[*]}{.involvedObject.kind} {.involvedObject.name}: {.message}{'\\n'}{end}";
    const lines = await cluster.kubectl("get", "events", "--field-selector", "type=Warning", "-o", message);
    assert.equal(lines, "", "no warnings on the way");
  });

  test("a new revision is rolled out under load without a failed request, and back again", async () => {
    const host = `hello.default.localhost:${cluster.gatewayPort}`;
    const seen = new Map<string, number>();
    const load = startLoad(async () => {
      const outcome = await cluster.get(host).then(
        ({ status, body }) => `${status} ${body.trim()}`,
        (error: Error) => error.message,
      );
      seen.set(outcome, (seen.get(outcome) ?? 0) + 1);
    }, 4);
    try {
      for (const target of ["Kraken", "World again"]) {
        const deployed = JSON.parse(await cluster.hakn("deploy", "examples/hello", "-e", `TARGET=${target}`, "--json"));
        assert.equal(deployed.ready, true);
        assert.equal((await cluster.get(host)).body, `Hello ${target}!\n`);
      }
    } finally {
      await load.stop();
    }
    const outcomes = [...seen.keys()].sort();
    assert.deepEqual(
      outcomes,
      ["200 Hello Kraken!", "200 Hello World again!", "200 Hello World!"],
      JSON.stringify([...seen]),
    );
  });

  test("kubectl patch rolls back to the first revision, and kubectl get -w tells of it", async () => {
    const watch = cluster.watch("ksvc", "hello", "-o", "jsonpath={.status.traffic[*].revisionName}{'\\n'}");
    const traffic = (target: string) =>
      cluster.kubectl("patch", "ksvc", "hello", "--type=merge", "-p", `{"spec":{"traffic":[${target}]}}`);
    try {
      await traffic('{"revisionName":"hello-00001","percent":100}');
      await watch.until((line) => line === "hello-00001");
      assert.equal((await cluster.get("hello.default.localhost")).body, "Hello World!\n");

      await traffic('{"latestRevision":true,"percent":100}');
      await watch.until((line) => line === "hello-00003");
      assert.equal((await cluster.get("hello.default.localhost")).body, "Hello World again!\n");
    } finally {
      watch.stop();
    }
  });

  test("traffic-split: two revisions share the traffic, and each is reached by its tag", async () => {
    await cluster.hakn("deploy", "examples/traffic-split", "--image-only");
    await cluster.apply(example("traffic-split/blue.yaml", cluster));
    await cluster.kubectl("wait", "ksvc/colors", ...wait);
    await cluster.apply(example("traffic-split/split.yaml", cluster));
    await cluster.kubectl("wait", "ksvc/colors", ...wait);

    const counts: Record<string, number> = {};
    for (let request = 0; request < 200; request++) {
      const { body } = await cluster.get("colors.default.localhost");
      counts[body] = (counts[body] ?? 0) + 1;
    }
    // 50 of 200 are expected; chance leaves 20..85 less than once in ten million runs.
    assert.ok((counts["green\n"] ?? 0) > 20 && (counts["green\n"] ?? 0) < 85, JSON.stringify(counts));
    assert.equal((counts["green\n"] ?? 0) + (counts["blue\n"] ?? 0), 200);
    for (const color of ["blue", "green"]) {
      assert.equal((await cluster.get(`${color}-colors.default.localhost`)).body, `${color}\n`);
    }
  });

  test("websocket: a connection is upgraded all the way to the program", async () => {
    await cluster.hakn("deploy", "examples/websocket", "--json");
    const { WebSocket } = await import("ws");
    const socket = new WebSocket(`ws://127.0.0.1:${cluster.gatewayPort}/`, {
      headers: { host: "websocket.default.localhost" },
    });
    const echo = await new Promise((resolve, reject) => {
      socket.once("open", () => socket.send("hi"));
      socket.once("message", (data) => resolve(String(data)));
      socket.once("error", reject);
    });
    socket.close();
    assert.equal(echo, "echo: hi");
  });

  test("config-volume: a file follows its ConfigMap", async () => {
    await cluster.hakn("deploy", "examples/config-volume", "--image-only");
    await cluster.apply(example("config-volume/service.yaml", cluster));
    await cluster.kubectl("wait", "ksvc/config-volume", ...wait);
    const answer = await cluster.get("config-volume.default.localhost");
    assert.deepEqual([answer.status, answer.body], [200, "hello from a ConfigMap\n"]);
  });

  test("logs: what the program printed, through kubectl and through hakn", async () => {
    const pods = (await cluster.kubectl("get", "pods", "-l", "serving.knative.dev/service=hello", "-o", "name")).trim();
    const [pod] = pods.split("\n");
    const log = await cluster.kubectl("logs", pod!, "-c", "queue-proxy");
    assert.match(log, /Starting http server main/);
    assert.match(await cluster.hakn("logs", "hello", "-c", "queue-proxy"), /Starting http server main/);
  });

  test("delete: nothing of a Service is left behind", async () => {
    for (const name of ["hello", "colors", "websocket", "config-volume"]) {
      await cluster.kubectl("delete", "ksvc", name, "--wait=true");
    }
    const kinds =
      "ksvc,cfg,rev,rt,kpa,metric,sks,king,vs,deploy,rs,endpoints,endpointslices,images.caching.internal.knative.dev,svc,pods";
    const left = async () =>
      (await cluster.kubectl("get", kinds, "-o", "name"))
        .split("\n")
        .filter((line) => line && !/\/kubernetes(-|$)/.test(line));
    await cluster.kubectl("wait", "pods", "--all", "--for=delete", "--timeout=60s");
    for (let attempt = 0; attempt < 100 && (await left()).length > 0; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.deepEqual(await left(), []);
  });
});
