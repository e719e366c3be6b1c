import assert from "node:assert/strict";
import { get } from "node:http";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { systemClock } from "../../src/lib/clock.ts";
import { kubectlPath, startLoad, startTestCluster, type TestCluster } from "./cluster.ts";
import { deploySteady } from "./deploy-steady.ts";
import { observePods, type PodsObserver, type PodsSeen } from "./observe-pods.ts";

const windowMs = 6000;
const minScale = 1;
const settings = {
  "min-scale": String(minScale),
  "max-scale": "10",
  target: "10",
  "target-utilization-percentage": "100",
  window: `${windowMs / 1000}s`,
  "panic-window-percentage": "50",
};
/**
 * Requests at once: they ask for three pods, all of which are scraped, as long as a third of a request's time or less is
 * lost between two requests; and never for more.
 */
const clients = 30;
const requestTimeMs = 2000;
const needed = 3;
const patienceMs = 40_000;
/** As far as it is looked at here. */
interface Decisions {
  readonly latest?: { readonly mode: string };
}
const replicas = ["controlplane-0", "controlplane-1"];

describe("a killed replica of the autoscaler leaves no dent", {
  skip: kubectlPath && process.platform === "linux" ? false : "needs kubectl, and pods with addresses of their own",
}, () => {
  let cluster: TestCluster;
  let observer: PodsObserver;
  before(async () => {
    cluster = await startTestCluster();
    await deploySteady(cluster, "steady", requestTimeMs, settings);
    observer = await observePods(join(cluster.dataDir, "kubeconfig"), "steady-00001");
  });
  after(async () => {
    await observer.stop();
    await cluster.stop();
  });

  /** What a replica says of the revision, if it is the one that decides for it. */
  const decisionsOf = async (replica: string): Promise<Decisions | undefined> => {
    const address = await cluster.kubectl(
      ...["get", "pod", replica, "-n", "knative-serving", "-o", "jsonpath={.status.podIP}"],
    );
    return fetchJson(address, "/decisions/default/steady-00001");
  };
  /** The replica that decides, once its latest decision was made in `mode`. */
  const decidingIn = async (mode: "panic" | "stable"): Promise<string> => {
    for (let attempt = 0; attempt < 100; attempt++) {
      for (const replica of replicas) if ((await decisionsOf(replica))?.latest?.mode === mode) return replica;
      await systemClock.sleep(100);
    }
    throw new Error(`no replica decides in ${mode} mode`);
  };
  const kill = async (replica: string) => {
    const { processes } = JSON.parse(await cluster.hakn("status", "--json"));
    const victim = processes.find(({ name }: { name: string }) => name.endsWith(`${replica}/autoscaler`));
    assert.ok(victim, `the autoscaler of ${replica} runs`);
    process.kill(victim.pid, "SIGKILL");
  };

  test("killed in panic, and its successor at the end of the window, under load: no pod too few, no failed request", async () => {
    const failures: string[] = [];
    let answered = 0;
    const load = startLoad(async () => {
      const { status } = await cluster.get("steady.default.localhost").catch(({ message }) => ({ status: message }));
      answered++;
      if (status !== 200) failures.push(String(status));
    }, clients);
    const scaleSince = (from: number) => observer.changes.slice(from).map(({ asked, ready }) => `${asked}/${ready}`);
    const decisions = async () => JSON.stringify(await Promise.all(replicas.map(decisionsOf)));
    const until = async (what: string, wanted: (seen: PodsSeen) => boolean) => {
      const came = await observer.until(wanted, patienceMs);
      assert.ok(came, `${what} did not come; asked/ready: ${scaleSince(0)}; ${answered} requests answered`);
    };
    try {
      await until("three pods asked for", ({ asked }) => asked >= needed);
      const first = await decidingIn("panic");
      const risenAt = observer.changes.length - 1;
      await kill(first);
      await until("three ready pods", ({ ready }) => ready >= needed);
      const readyAt = observer.changes.length - 1;

      const second = await decidingIn("stable");
      await kill(second);
      await systemClock.sleep(2 * windowMs);

      assert.ok(
        observer.changes.slice(risenAt).every(({ asked }) => asked >= needed),
        `asked/ready since the first kill: ${scaleSince(risenAt)}; ${await decisions()}`,
      );
      assert.ok(
        observer.changes.slice(readyAt).every(({ ready }) => ready >= needed),
        `asked/ready since three were ready: ${scaleSince(readyAt)}; ${await decisions()}`,
      );
      await load.stop();
      await until("min-scale", ({ asked, ready }) => asked === minScale && ready === minScale);
    } finally {
      await load.stop();
    }
    assert.deepEqual(failures, [], `of ${answered} requests`);
  });
});

/** The answer of this replica alone; undefined where it does not know, or is away. */
function fetchJson(host: string, path: string): Promise<Decisions | undefined> {
  return new Promise((resolve) => {
    const headers = { "hakn-asked-by-replica": "1" };
    const signal = AbortSignal.timeout(2000);
    get({ host, port: 8080, path, headers, agent: false, signal }, (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (part: string) => {
        text += part;
      });
      response.on("end", () => resolve(response.statusCode === 200 ? JSON.parse(text) : undefined));
      response.on("error", () => resolve(undefined));
    }).on("error", () => resolve(undefined));
  });
}
