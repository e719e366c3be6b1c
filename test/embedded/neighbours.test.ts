import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { after, before, describe, test } from "node:test";
import { promisify } from "node:util";
import { kubectlPath, startTestCluster, type TestCluster } from "./cluster.ts";

const host = "hello.default.localhost";

describe("two embedded clusters on one machine", {
  skip: kubectlPath ? false : "kubectl is not on this machine",
}, () => {
  const clusters: TestCluster[] = [];
  before(async () => {
    // At once, so that both are after the same ports.
    await Promise.all(
      [0, 1].map(async (index) => {
        clusters[index] = await startTestCluster();
      }),
    );
    await Promise.all(
      clusters.map((cluster, index) => cluster.hakn("deploy", "examples/hello", "-e", `TARGET=${index}`, "--json")),
    );
  });
  after(() => Promise.all(clusters.map((cluster) => cluster.stop())));

  test("each has its own services, loopback network and ports", async () => {
    for (const [index, cluster] of clusters.entries()) {
      assert.equal((await cluster.get(host)).body, `Hello ${index}!\n`);
    }
    const networks = await Promise.all(
      clusters.map(async (cluster) => {
        const ips = await cluster.kubectl("get", "pods", "-A", "-o", "jsonpath={.items[*].status.podIP}");
        return new Set(ips.split(" ").map((ip) => ip.split(".").slice(0, 2).join(".")));
      }),
    );
    assert.deepEqual(
      networks.map(({ size }) => size),
      [1, 1],
    );
    assert.notDeepEqual(networks[0], networks[1]);
    assert.notEqual(clusters[0]!.registry, clusters[1]!.registry);
  });

  test("their kubeconfigs can be used together", async () => {
    const env = { ...process.env, KUBECONFIG: clusters.map(({ dataDir }) => `${dataDir}/kubeconfig`).join(":") };
    const run = async (...args: string[]) => (await promisify(execFile)(kubectlPath!, args, { env })).stdout.trim();
    const contexts = (await run("config", "get-contexts", "-o", "name")).split("\n");
    assert.equal(contexts.length, 2);
    const targets = await Promise.all(
      contexts.map((context) =>
        run(
          "--context",
          context,
          "get",
          "ksvc",
          "hello",
          "-o",
          "jsonpath={.spec.template.spec.containers[0].env[0].value}",
        ),
      ),
    );
    assert.deepEqual(targets.sort(), ["0", "1"]);
  });

  test("the end of one is nothing to the other", async () => {
    const [first, second] = clusters as [TestCluster, TestCluster];
    await first.stop();
    assert.equal((await second.get(host)).body, "Hello 1!\n");
  });
});
