import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { kubectlPath, startLoad, startTestCluster, type TestCluster } from "./cluster.ts";

interface Process {
  readonly name: string;
  readonly pid: number;
}

describe("the embedded cluster survives the death of its parts", {
  skip: kubectlPath ? false : "kubectl is not on this machine",
}, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
    await cluster.hakn("deploy", "examples/hello", "--json");
  });
  after(() => cluster.stop());

  const processes = async (): Promise<Process[]> => JSON.parse(await cluster.hakn("status", "--json")).processes;
  const kill = async (pattern: RegExp) => {
    const victim = (await processes()).find(({ name }) => pattern.test(name));
    assert.ok(victim, `a process ${pattern} runs`);
    process.kill(victim.pid, "SIGKILL");
  };
  const rollOut = async (target: string) => {
    const deployed = JSON.parse(await cluster.hakn("deploy", "examples/hello", "-e", `TARGET=${target}`, "--json"));
    assert.equal(deployed.ready, true);
    assert.equal((await cluster.get("hello.default.localhost")).body, `Hello ${target}!\n`);
  };

  const victims: [string, RegExp][] = [
    ["a replica's controlplane container", /controlplane-0\/controlplane/],
    ["the other replica's autoscaler container", /controlplane-1\/autoscaler/],
    ["the API server", /^apiserver$/],
    ["the node agent", /^node-agent$/],
  ];
  for (const [name, pattern] of victims) {
    test(`kill -9 of ${name} during a rollout: the end state is right, and no request fails`, async () => {
      let failures = 0;
      let requests = 0;
      const load = startLoad(async () => {
        requests++;
        const { status } = await cluster.get("hello.default.localhost").catch(() => ({ status: 0 }));
        if (status !== 200) failures++;
      });
      const kept = `kept-${victims.findIndex(([known]) => known === name)}`;
      try {
        await cluster.kubectl("create", "configmap", kept, "--from-literal=a=b");
        const rolling = rollOut(name.replaceAll(/[^a-z ]/g, ""));
        rolling.catch(() => {});
        await kill(pattern);
        await rolling;
      } finally {
        await load.stop();
      }
      assert.ok(requests > 10);
      assert.equal(failures, 0, `${failures} of ${requests} requests failed`);
      assert.match(await cluster.kubectl("get", "configmaps", "-o", "name"), new RegExp(`configmap/${kept}\n`));
    });
  }

  test("kill -9 of the supervisor: no process is left, and the next start goes on from the stored state", async () => {
    const before = (await processes()).map(({ pid }) => pid);
    const gone = new Promise((resolve) => cluster.supervisor.once("exit", resolve));
    cluster.supervisor.kill("SIGKILL");
    await gone;
    const alive = () =>
      before.filter((pid) => {
        try {
          process.kill(pid, 0);
          return true;
        } catch {
          return false;
        }
      });
    for (let attempt = 0; attempt < 200 && alive().length > 0; attempt++) {
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    assert.deepEqual(alive(), []);

    cluster = await startTestCluster({ dataDir: cluster.dataDir });
    await cluster.kubectl(
      "wait",
      "pods",
      "-l",
      "serving.knative.dev/service=hello",
      "--for=condition=Ready",
      "--timeout=60s",
    );
    let status = 0;
    for (let attempt = 0; attempt < 200 && status !== 200; attempt++) {
      ({ status } = await cluster.get("hello.default.localhost"));
      if (status !== 200) await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.equal(status, 200);
  });
});
