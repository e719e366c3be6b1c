/**
 * What the embedded API server costs: its start, durable writes, watches, memory. Run: node bench/api-server.ts
 * The server is a process of its own. Linux only: CPU time and memory are read from /proc.
 */
import { type ChildProcess, fork } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { Agent, request } from "node:https";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startApiServer } from "../src/cluster/api/api-server.ts";
import { systemClock } from "../src/lib/clock.ts";
import { silentLogger } from "../src/lib/log.ts";

const configMaps = "/api/v1/namespaces/default/configmaps";
const ticksPerSecond = 100;

interface Access {
  readonly url: string;
  readonly ca: string;
  readonly token: string;
}

if (process.argv[2] === "serve") await serve(process.argv[3]!);
else await measure();

async function serve(dataDir: string): Promise<void> {
  const server = await startApiServer({
    dataDir,
    address: "127.0.0.1",
    port: 0,
    clock: systemClock,
    log: silentLogger,
  });
  process.send?.({ url: server.url, ca: server.caCertificate, token: server.loopbackClientConfig.token });
}

async function measure(): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), "hakn-bench-"));
  const round = (value: number) => Math.round(value * 10) / 10;
  try {
    for (const kind of ["first start", "start", "start"]) {
      const begun = performance.now();
      const { child, access } = await start(directory);
      const agent = agentFor(access);
      await send(agent, access, "GET", "/readyz");
      console.log(
        `${kind} to /readyz: ${round(performance.now() - begun)} ms, of which the process itself ${round(await processStartMs())} ms`,
      );
      agent.destroy();
      await end(child);
    }
    const { child, access } = await start(directory);
    const agent = agentFor(access);
    await send(agent, access, "GET", "/readyz");
    await systemClock.sleep(1000);
    console.log(`memory when idle: ${round(memory(child))} MB`);

    for (const writers of [1, 8, 32]) {
      const writes = 150 * writers;
      const cpu = cpuSeconds(child);
      const begun = performance.now();
      await Promise.all(
        Array.from({ length: writers }, (_, writer) => writeMany(agent, access, `w${writers}-${writer}`, 150)),
      );
      const seconds = (performance.now() - begun) / 1000;
      console.log(
        `${writers} writers: ${Math.round(writes / seconds)} durable writes/s, ${round(((cpuSeconds(child) - cpu) * 1e6) / writes)} µs of CPU each`,
      );
    }

    const watches = 100;
    const events = 500;
    const counts = await Promise.all(Array.from({ length: watches }, () => watch(agent, access)));
    const cpu = cpuSeconds(child);
    const begun = performance.now();
    await Promise.all(Array.from({ length: 10 }, (_, writer) => writeMany(agent, access, `v${writer}`, events / 10)));
    while (counts.some((count) => count() < events)) await systemClock.sleep(5);
    const seconds = (performance.now() - begun) / 1000;
    console.log(
      `${watches} watches of ${events} writes: ${Math.round((watches * events) / seconds)} events/s, ${round(((cpuSeconds(child) - cpu) * 1e6) / (watches * events))} µs of CPU per event, writes included`,
    );
    const listed = performance.now();
    const { length } = await send(agent, access, "GET", configMaps);
    console.log(`a list of ${round(length / 1e6)} MB: ${round(performance.now() - listed)} ms`);
    console.log(`memory after all that: ${round(memory(child))} MB`);
    agent.destroy();
    await end(child);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

function start(directory: string): Promise<{ child: ChildProcess; access: Access }> {
  const child = fork(new URL(import.meta.url), ["serve", directory]);
  return new Promise((resolve) => child.once("message", (access) => resolve({ child, access: access as Access })));
}

function end(child: ChildProcess): Promise<void> {
  const exited = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  child.kill("SIGKILL");
  return exited;
}

/** What an empty Node process takes to start and end: the part of a start that is not ours. */
function processStartMs(): Promise<number> {
  const begun = performance.now();
  const child = fork("", { execArgv: ["-e", "0"], stdio: "ignore" });
  return new Promise((resolve) => child.once("exit", () => resolve(performance.now() - begun)));
}

function agentFor({ ca }: Access): Agent {
  return new Agent({ ca, keepAlive: true, maxSockets: 256 });
}

async function writeMany(agent: Agent, access: Access, name: string, count: number): Promise<void> {
  for (let index = 0; index < count; index++) {
    const body = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: `${name}-${index}`, labels: { app: "bench" } },
      data: { index: String(index), text: "x".repeat(500) },
    };
    await send(agent, access, "POST", configMaps, JSON.stringify(body));
  }
}

function send(agent: Agent, access: Access, method: string, path: string, body = ""): Promise<string> {
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, access.url), {
      agent,
      method,
      headers: {
        authorization: `Bearer ${access.token}`,
        ...(body && { "content-type": "application/json", "content-length": Buffer.byteLength(body) }),
      },
    });
    sent.once("error", reject);
    sent.once("response", (response) => {
      let text = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => {
        text += chunk;
      });
      response.once("end", () => {
        if ((response.statusCode ?? 500) < 300) resolve(text);
        else reject(new Error(`${method} ${path}: ${response.statusCode} ${text}`));
      });
    });
    sent.end(body);
  });
}

/** Opens a watch from now on; the function tells how many events have arrived. */
async function watch(agent: Agent, access: Access): Promise<() => number> {
  const list = JSON.parse(await send(agent, access, "GET", `${configMaps}?limit=1`)) as {
    metadata: { resourceVersion: string };
  };
  const path = `${configMaps}?watch=true&resourceVersion=${list.metadata.resourceVersion}`;
  let events = 0;
  return new Promise((resolve, reject) => {
    const sent = request(new URL(path, access.url), { agent, headers: { authorization: `Bearer ${access.token}` } });
    sent.on("error", reject);
    sent.once("response", (response) => {
      response.on("error", () => {});
      response.on("data", (chunk: Buffer) => {
        for (const byte of chunk) if (byte === 10) events++;
      });
      resolve(() => events);
    });
    sent.end();
  });
}

function cpuSeconds(child: ChildProcess): number {
  const fields = readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]!.split(" ");
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

function memory(child: ChildProcess): number {
  return Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]) / 1024;
}
