import assert from "node:assert/strict";
import { existsSync } from "node:fs";
import { after, before, describe, test } from "node:test";
import { clusterProcesses } from "../../src/cluster/supervisor/processes.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { kubectlPath, startTestCluster, type TestCluster } from "./cluster.ts";

interface Listed<T> {
  readonly items: readonly T[];
}

interface PodFacts {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly containerStatuses?: readonly { readonly restartCount: number }[];
    readonly conditions?: readonly { readonly type: string; readonly lastTransitionTime: string }[];
  };
}

interface LeaseFacts {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly holderIdentity?: string; readonly renewTime: string };
}

/** Longer than a Lease lasts (5 s), than a readiness probe may fail, and than the autoscaler's panic window. */
const asleepMs = 8000;
const host = "hello.default.localhost";

describe("the embedded cluster after the machine has slept", {
  skip: kubectlPath && existsSync("/proc") ? false : "needs kubectl, and /proc to find all processes",
}, () => {
  let cluster: TestCluster;
  before(async () => {
    cluster = await startTestCluster();
    await cluster.hakn("deploy", "examples/hello", "--json");
  });
  after(() => cluster.stop());

  const list = async <T>(...args: string[]) =>
    (JSON.parse(await cluster.kubectl("get", ...args, "-o", "json")) as Listed<T>).items;
  const signalAll = (signal: "SIGSTOP" | "SIGCONT") => {
    const supervisor = cluster.supervisor.pid!;
    const found = clusterProcesses(cluster.dataDir, supervisor);
    assert.ok(found.length >= 11, "all processes are found");
    for (const { pid } of found) process.kill(pid, signal);
  };
  /** By pod: which it is, how often its containers were restarted, and since when it has been ready. */
  const lives = async (...where: string[]) =>
    new Map(
      (await list<PodFacts>("pods", ...where)).map(({ metadata, status }) => [
        metadata.name,
        {
          uid: metadata.uid,
          restarts: status.containerStatuses?.map(({ restartCount }) => restartCount),
          readySince: status.conditions?.find(({ type }) => type === "Ready")?.lastTransitionTime,
        },
      ]),
    );

  test("everything goes on at once: requests, rollouts, leadership; no pod is lost, none stops being ready", async () => {
    const [controlPlane, services] = [
      ["-n", "knative-serving"],
      ["-n", "default"],
    ] as const;
    const [membersBefore, podsBefore] = [await lives(...controlPlane), await lives(...services)];
    signalAll("SIGSTOP");
    const asleepSince = Date.now();
    await systemClock.sleep(asleepMs);
    signalAll("SIGCONT");

    const answers = await Promise.all(Array.from({ length: 20 }, () => cluster.get(host)));
    assert.deepEqual(
      answers.filter(({ status }) => status !== 200),
      [],
    );
    assert.deepEqual(await lives(...services), podsBefore);
    const wokenMs = performance.now();
    const deployed = JSON.parse(await cluster.hakn("deploy", "examples/hello", "-e", "TARGET=again", "--json"));
    assert.equal(deployed.ready, true);
    assert.equal((await cluster.get(host)).body, "Hello again!\n");
    assert.ok(performance.now() - wokenMs < 60_000, "a rollout takes seconds");

    const leases = await untilLed(asleepSince + asleepMs);
    assert.ok(leases.length >= 4, "the controllers' buckets and the autoscaler's");
    assert.deepEqual(await lives(...controlPlane), membersBefore);
  });

  /** Settles with the buckets' Leases once a member that renewed since holds each of them, and not one all. */
  async function untilLed(sinceMs: number): Promise<readonly LeaseFacts[]> {
    let buckets: LeaseFacts[] = [];
    for (let attempt = 0; attempt < 100; attempt++) {
      const leases = await list<LeaseFacts>("leases", "-n", "knative-serving");
      const members = leases.filter(({ metadata }) => metadata.name.includes(".member."));
      buckets = leases.filter((lease) => !members.includes(lease));
      const live = new Set(
        members.filter(({ spec }) => Date.parse(spec.renewTime) > sinceMs).map(({ spec }) => spec.holderIdentity),
      );
      const holders = new Set(buckets.map(({ spec }) => spec.holderIdentity));
      if (
        live.size === members.length &&
        holders.size === members.length &&
        [...holders].every((who) => live.has(who))
      ) {
        return buckets;
      }
      await systemClock.sleep(100);
    }
    assert.fail(`no live member leads: ${JSON.stringify(buckets.map(({ spec }) => spec))}`);
  }
});
