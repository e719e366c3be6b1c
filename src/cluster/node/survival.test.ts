import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fileURLToPath } from "node:url";
import { Pod } from "../../apis/core/pod.ts";
import { ServiceAccount } from "../../apis/core/serviceaccount.ts";
import type { Client } from "../../kube/api.ts";
import { createClient } from "../../kube/client.ts";
import { systemClock } from "../../lib/clock.ts";
import { silentLogger } from "../../lib/log.ts";
import { type ApiServer, startApiServer } from "../api/api-server.ts";
import { type RegistryServer, startRegistry } from "../registry/server.ts";
import { snapshotDirectory } from "../registry/snapshot.ts";
import { openImageStore } from "../registry/store.ts";
import { commandLineOf, containerProcesses } from "./process-table.ts";

const clock = systemClock;
const namespace = "default";

/** A supervisor as `hakn up` has one: it keeps the agent running and holds the lifeline. Prints each agent's id. */
const supervisorScript = `
import { spawn } from "node:child_process";
const start = () => {
  const agent = spawn(process.execPath, [process.argv[2]], { stdio: ["ignore", "ignore", "inherit", "pipe", "ipc"], detached: true });
  console.log(agent.pid);
  agent.once("exit", start);
};
start();
`;

describe("containers", { skip: process.platform !== "linux" && "told apart by /proc" }, () => {
  let work: string;
  let api: ApiServer;
  let registry: RegistryServer;
  let client: Client;
  let supervisor: ChildProcess;
  let uid: string;
  let image: string;
  const agents: number[] = [];

  const startSupervisor = () => {
    const script = join(work, "supervisor.mjs");
    writeFileSync(script, supervisorScript);
    const agent = fileURLToPath(new URL("../../main/node-agent.ts", import.meta.url));
    const env = {
      PATH: "/usr/bin:/bin",
      KUBECONFIG: join(work, "kubeconfig"),
      HAKN_DATA_DIR: join(work, "data"),
      HAKN_API_PORT: String(api.port),
    };
    supervisor = spawn(process.execPath, [script, agent], { env, stdio: ["ignore", "pipe", "inherit"] });
    supervisor.stdout?.on("data", (text: Buffer) => agents.push(Number(text.toString())));
  };
  const processes = () => containerProcesses("hakn-").filter(({ token }) => token.includes(uid));
  const until = async <T>(what: string, look: () => T | Promise<T>, holds: (seen: T) => boolean): Promise<T> => {
    let seen: T | undefined;
    for (const deadline = clock.monotonic() + 15_000; clock.monotonic() < deadline; await clock.sleep(20)) {
      seen = await look();
      if (holds(seen)) return seen;
    }
    throw new Error(`${what}: ${JSON.stringify(seen)}`);
  };
  const statusOf = async (name: string) =>
    (await client.of(Pod).get({ name, namespace })).status?.containerStatuses?.[0];

  const run = async (name: string): Promise<string> => {
    const container = { name: "c", image, readinessProbe: { exec: { command: ["true"] } } };
    const { metadata } = await client.of(Pod).create({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name, namespace },
      spec: { nodeName: "hakn", automountServiceAccountToken: false, containers: [container] },
    });
    return metadata.uid!;
  };

  before(async () => {
    work = mkdtempSync(join(tmpdir(), "hakn-survival-"));
    const log = silentLogger;
    api = await startApiServer({ dataDir: join(work, "api"), address: "127.0.0.1", port: 0, clock, log });
    client = createClient({ connection: api.loopbackClientConfig, clock });
    const account = { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default", namespace } };
    await client.of(ServiceAccount).create(account);
    writeFileSync(join(work, "kubeconfig"), api.adminKubeconfig);
    const store = await openImageStore(join(work, "registry"));
    registry = await startRegistry({ store, address: "127.0.0.1", port: 0, log });
    mkdirSync(join(work, "app"));
    const digest = await snapshotDirectory(join(work, "app"), {
      registry: registry.host,
      repository: "app",
      command: ["/bin/sh", "-c", "sleep 1000 & while true; do sleep 0.1; done"],
    });
    mkdirSync(join(work, "data"));
    startSupervisor();
    image = `${registry.host}/app@${digest}`;
    uid = await run("p");
    await until(
      "ready",
      () => statusOf("p"),
      (status) => status?.ready === true,
    );
  });
  after(async () => {
    const gone = new Promise((resolve) => supervisor.once("exit", resolve));
    if (supervisor.exitCode === null && supervisor.signalCode === null) {
      supervisor.kill("SIGKILL");
      await gone;
    }
    // Agents end with their supervisor; what they leave behind for a moment is awaited, too.
    await until(
      "agents end",
      () => agents.filter(isAlive),
      (alive) => alive.length === 0,
    );
    client.close();
    await registry.close();
    await api.close();
    rmSync(work, { recursive: true, force: true });
  });

  it("stay ready while the agent is replaced", async () => {
    const over = new AbortController();
    const unready: unknown[] = [];
    const options = { namespace, fieldSelector: "metadata.name=p", signal: over.signal };
    const watching = client
      .of(Pod)
      .watch(options, ({ object }) => {
        const status = (object as Pod).status?.containerStatuses?.[0];
        if (!status?.ready || !status.state?.running) unready.push(status);
      })
      .catch((error) => {
        if (!over.signal.aborted) throw error;
      });
    process.kill(agents.at(-1)!, "SIGKILL");
    // The next agent has taken all pods over by the time that it runs another.
    await run("q");
    await until(
      "q runs",
      () => statusOf("q"),
      (status) => status?.ready === true,
    );
    over.abort();
    await watching;
    assert.deepEqual(unready, []);
    assert.equal((await statusOf("p"))?.restartCount, 0);
    await client.of(Pod).delete({ name: "q", namespace }, { gracePeriodSeconds: 0 });
  });

  it("survive the death of the agent, and belong to the next one", async () => {
    const before = await statusOf("p");
    const pids = processes().map(({ pid }) => pid);
    const agentCount = agents.length;
    process.kill(agents.at(-1)!, "SIGKILL");
    await until(
      "another agent",
      () => agents.length,
      (count) => count > agentCount,
    );
    assert.ok(before?.containerID);
    const alive = new Set(processes().map(({ pid }) => pid));
    assert.ok(pids.filter(isProgram).length === 1 && pids.filter(isProgram).every((pid) => alive.has(pid)));

    // The new agent sees the container end, though it did not start it, and starts it again.
    for (const { pid } of processes()) if (isProgram(pid)) process.kill(pid, "SIGKILL");
    const after = await until(
      "restarted",
      () => statusOf("p"),
      (status) => status?.restartCount === 1 && status.ready,
    );
    assert.equal(after?.lastState?.terminated?.exitCode, 137);
    assert.equal(after?.lastState?.terminated?.containerID, before.containerID);
  });

  it("die with the supervisor, however it ends", async () => {
    assert.ok(processes().length > 0);
    supervisor.kill("SIGKILL");
    await until(
      "no process is left",
      () => processes(),
      (left) => left.length === 0,
    );
  });

  it("run again once there is a supervisor again", async () => {
    startSupervisor();
    const status = await until(
      "running",
      () => statusOf("p"),
      (found) => (found?.restartCount ?? 0) >= 2 && found?.ready === true,
    );
    // Killed by their shims, or asked to end by the agent: whoever was faster.
    assert.ok([137, 143].includes(status?.lastState?.terminated?.exitCode ?? 0));
    await client.of(Pod).delete({ name: "p", namespace }, { gracePeriodSeconds: 0 });
    await until(
      "no process is left",
      () => processes(),
      (left) => left.length === 0,
    );
  });
});

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** Whether this is the container's program: its shim has its words, too. */
function isProgram(pid: number): boolean {
  const line = commandLineOf(pid) ?? "";
  return line.includes("while true") && !line.includes("shim.sh");
}
