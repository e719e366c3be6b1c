import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { get as httpGet } from "node:http";
import { after, before, describe, test } from "node:test";
import { locateOnSharedLoopback } from "../../src/cluster/shared-loopback.ts";
import { kubectlPath, startLoad, startTestCluster, type TestCluster } from "./cluster.ts";

const host = "hello.default.localhost";

describe("the embedded cluster where the system has 127.0.0.1 alone", {
  skip: kubectlPath ? false : "kubectl is not on this machine",
}, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster({ env: { HAKN_LOOPBACK: "shared" } });
    await cluster.hakn("deploy", "examples/hello", "--json");
  });
  after(() => cluster.stop());

  const podsOf = async (selector: string) => {
    const ready = "{.status.conditions[?(@.type=='Ready')].status}";
    const lines = `jsonpath={range .items[*]}{.status.podIP} ${ready}{'\\n'}{end}`;
    return (await cluster.kubectl("get", "pods", "-A", "-l", selector, "-o", lines)).trim().split("\n").sort();
  };

  test("two replicas of the control plane and two pods of a Service are ready, each with an address of its own", async () => {
    const replicas = await podsOf("app=controlplane");
    const pods = await podsOf("serving.knative.dev/service=hello");
    for (const found of [replicas, pods]) {
      assert.equal(found.length, 2);
      assert.notEqual(found[0], found[1]);
      for (const line of found) assert.match(line, /^127\.1[6-9]\.[12]\.\d+ True$/);
    }
    assert.equal((await cluster.get(host)).body, "Hello World!\n");
  });

  test("nothing listens on another loopback address", async (t) => {
    let table: string;
    try {
      table = readFileSync("/proc/net/tcp", "utf8");
    } catch {
      return t.skip("the system does not tell");
    }
    const { items } = JSON.parse(await cluster.kubectl("get", "pods", "-A", "-o", "json")) as {
      items: { status: { podIP: string } }[];
    };
    const networks = new Set(items.map(({ status }) => status.podIP.split(".").slice(0, 2).join(".")));
    assert.equal(networks.size, 1);
    // The kernel writes 127.16.2.1 as 0102107F. Clusters beside this one begin with 127.x.0.2.
    const [second = 0] = [...networks].map((network) => Number(network.split(".")[1]));
    const ours = new RegExp(`^ *\\d+: [0-9A-F]{2}0[12]${second.toString(16).toUpperCase().padStart(2, "0")}7F:`, "m");
    assert.doesNotMatch(table, ours);
  });

  test("a new revision rolls out while requests are sent, and the autoscaler sees them", async () => {
    let failures = 0;
    const load = startLoad(async () => {
      const { status } = await cluster.get(host).catch(() => ({ status: 0 }));
      if (status !== 200) failures++;
    }, 4);
    try {
      await cluster.hakn("deploy", "examples/hello", "-e", "TARGET=Kraken", "--json");
      assert.equal((await cluster.get(host)).body, "Hello Kraken!\n");
      await untilLoadIsSeen();
    } finally {
      await load.stop();
    }
    assert.equal(failures, 0);
  });

  /** Every replica tells the load that was scraped from the new revision's pods: one decides, the others ask it. */
  async function untilLoadIsSeen(): Promise<void> {
    const replicas = (await podsOf("app=controlplane")).map((line) => line.split(" ")[0]!);
    for (let attempt = 0; attempt < 150; attempt++) {
      const loads = await Promise.all(
        replicas.map(async (replica) => {
          const at = locateOnSharedLoopback({ host: replica, port: 8080 });
          const text = await fetchText(`http://${at.host}:${at.port}/decisions/default/hello-00002`);
          return (JSON.parse(text) as { latest?: { observed: { stable: number } } }).latest?.observed.stable ?? 0;
        }),
      );
      if (loads.every((load) => load > 0)) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    assert.fail("no load was scraped");
  }

  test("kubectl reaches pods: logs and port-forward", async () => {
    const name = (await cluster.kubectl("get", "pods", "-l", "serving.knative.dev/service=hello", "-o", "name")).split(
      "\n",
    )[0]!;
    assert.match(await cluster.kubectl("logs", name, "-c", "queue-proxy"), /Starting http server main/);
    const forward = await cluster.forward(name, 8012);
    try {
      const answer = await fetchText(`http://127.0.0.1:${forward.port}/`);
      assert.match(answer, /^Hello/);
    } finally {
      forward.stop();
    }
  });

  test("a replica that is killed is replaced at the same address", async () => {
    const { processes } = JSON.parse(await cluster.hakn("status", "--json")) as {
      processes: { name: string; pid: number }[];
    };
    process.kill(processes.find(({ name }) => /controlplane-1\/controlplane/.test(name))!.pid, "SIGKILL");
    const deployed = JSON.parse(await cluster.hakn("deploy", "examples/hello", "-e", "TARGET=again", "--json"));
    assert.equal(deployed.ready, true);
    await cluster.kubectl(
      "wait",
      "pod/controlplane-1",
      "-n",
      "knative-serving",
      "--for=condition=Ready",
      "--timeout=30s",
    );
  });
});

function fetchText(url: string): Promise<string> {
  return new Promise((resolve, reject) => {
    httpGet(url, { agent: false }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(text));
    }).on("error", reject);
  });
}
