import { type ChildProcess, spawn } from "node:child_process";
import net from "node:net";
import { fileURLToPath } from "node:url";
import { findBun } from "../../build/queue-proxy.ts";
import { findFreePort, userPorts } from "../../src/cluster/free-port.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { silentLogger } from "../../src/lib/log.ts";
import { bunEnvironment } from "../../src/main/runtime.ts";
import { nodeNetwork } from "../../src/queue-proxy/adapters/node.ts";
import { parseEnvironment } from "../../src/queue-proxy/environment.ts";
import { startQueueProxy } from "../../src/queue-proxy/queue-proxy.ts";
import type { Connection, ConnectionEvents, KeyPair, Network } from "../../src/queue-proxy/transport.ts";

/** A queue-proxy under test. */
export interface Subject {
  readonly ports: {
    readonly main: number;
    readonly admin: number;
    readonly metrics: number;
    readonly userMetrics: number;
    /** The main server's TLS port; 0 where there is no key pair. */
    readonly tls: number;
  };
  /** Request log lines so far (in process only). */
  readonly log: () => string;
  stop(): Promise<void>;
  /** The process, where the subject has one of its own. */
  readonly pid?: number | undefined;
}

export type StartSubject = (environment: Record<string, string>, userPort: number) => Promise<Subject>;

/** The environment that the controller gives, with the default cluster's features. */
export function makeEnvironment(overrides: Record<string, string>, userPort: number): Record<string, string> {
  return {
    CONTAINER_CONCURRENCY: "0",
    QUEUE_SERVING_PORT: "0",
    QUEUE_SERVING_TLS_PORT: "0",
    USER_PORT: String(userPort),
    REVISION_TIMEOUT_SECONDS: "300",
    SERVING_LOGGING_CONFIG: "",
    SERVING_LOGGING_LEVEL: "error",
    SERVING_REQUEST_METRICS_BACKEND: "prometheus",
    TRACING_CONFIG_BACKEND: "none",
    SERVING_NAMESPACE: "default",
    SERVING_SERVICE: "hello",
    SERVING_CONFIGURATION: "hello",
    SERVING_REVISION: "hello-00001",
    SERVING_POD: "hello-pod",
    SERVING_POD_IP: "10.0.0.7",
    ...overrides,
  };
}

/** Ours, in this process, on node:net. */
export function inProcess(keyPair?: KeyPair): StartSubject {
  return async (overrides, userPort) => {
    let log = "";
    const started = await startQueueProxy({
      environment: parseEnvironment(makeEnvironment(overrides, userPort)),
      network: lending(nodeNetwork),
      clock: systemClock,
      logger: silentLogger,
      address: "127.0.0.1",
      readKeyPair: async () => keyPair,
      report: () => {},
      writeLog: (lines) => {
        log += lines;
      },
      socketStatistics: async () => "",
    });
    const { ports } = started;
    return {
      ports: {
        main: ports["main"]!,
        admin: ports["admin"]!,
        metrics: ports["metrics"]!,
        userMetrics: ports["user-metrics"] ?? 0,
        tls: ports["main-tls"] ?? 0,
      },
      log: () => log,
      stop: () => started.close(),
    };
  };
}

/** The same sockets, but bytes that are still used after they were lent are seen to be others. */
function lending(network: Network): Network {
  const lent =
    (open: (connection: Connection) => ConnectionEvents) =>
    (connection: Connection): ConnectionEvents => {
      const events = open({
        ...connection,
        write: (chunk) => connection.write(Buffer.from(chunk)),
      });
      return {
        data(chunk) {
          events.data(chunk);
          chunk.fill(0xee);
        },
        drain: () => events.drain(),
        end: () => events.end(),
        close: (error) => events.close(error),
      };
    };
  return {
    listen: (options, accept) => network.listen(options, lent(accept)),
    connect: (options, connected, failed) => network.connect(options, lent(connected), failed),
  };
}

const serveProgram = fileURLToPath(new URL("serve.ts", import.meta.url));

/**
 * Ours, in a process of its own, on the sockets of this runtime. `openFiles` limits its descriptors; `speed`: how much
 * faster its clock runs.
 */
export function spawned(
  runtime: string,
  { openFiles, speed = 1, keyPair }: { openFiles?: number; speed?: number; keyPair?: KeyPair } = {},
): StartSubject {
  return async (overrides, userPort) => {
    const environment = makeEnvironment(overrides, userPort);
    const command =
      openFiles === undefined ? [runtime] : ["sh", "-c", `ulimit -n ${openFiles}; exec "$@"`, "sh", runtime];
    const child = spawn(command[0]!, [...command.slice(1), serveProgram], {
      env: {
        ...environment,
        ...bunEnvironment,
        HAKN_TEST_SPEED: String(speed),
        ...(keyPair && { HAKN_TEST_KEY_PAIR: JSON.stringify(keyPair) }),
      },
      stdio: ["ignore", "pipe", "inherit"],
    });
    let log = "";
    const ports = await new Promise<Record<string, number>>((resolve, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`${runtime} ended with ${code}`)));
      child.stdout.on("data", (chunk: Buffer) => {
        log += chunk.toString();
        if (log.includes("\n")) resolve(JSON.parse(log.slice(0, log.indexOf("\n"))));
      });
    });
    return {
      ports: {
        main: ports["main"]!,
        admin: ports["admin"] ?? 0,
        metrics: ports["metrics"]!,
        userMetrics: ports["user-metrics"] ?? 0,
        tls: ports["main-tls"] ?? 0,
      },
      log: () => log,
      stop: () => end(child),
      pid: child.pid,
    };
  };
}

/** The runtimes that can carry ours in a process of its own. */
export function runtimes(): readonly { readonly name: string; readonly path: string }[] {
  const bun = findBun();
  return [{ name: "Node", path: process.execPath }, ...(bun ? [{ name: "Bun", path: bun }] : [])];
}

/** Ours on every kind of sockets that there is here, for the same tests on each. */
export function adapters(): readonly { readonly name: string; readonly start: StartSubject }[] {
  const bun = findBun();
  return [{ name: "node:net", start: inProcess() }, ...(bun ? [{ name: "Bun", start: spawned(bun) }] : [])];
}

/** Another program with upstream's environment and that of our image; the well-known ports must be free. */
export function program(command: readonly string[]): StartSubject {
  return async (overrides, userPort) => {
    const main = await findFreePort(userPorts);
    const tls = await findFreePort(userPorts, new Set([main]));
    const ports = { QUEUE_SERVING_PORT: String(main), QUEUE_SERVING_TLS_PORT: String(tls) };
    const environment = { ...bunEnvironment, ...makeEnvironment({ ...ports, ...overrides }, userPort) };
    const child = spawn(command[0]!, command.slice(1), { env: environment, stdio: ["ignore", "pipe", "ignore"] });
    let log = "";
    child.stdout.on("data", (chunk: Buffer) => {
      log += chunk.toString();
    });
    await reachable(main, child);
    await reachable(9090, child);
    return {
      ports: { main, admin: 8022, metrics: 9090, userMetrics: 9091, tls },
      log: () => log,
      stop: () => end(child),
      pid: child.pid,
    };
  };
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGKILL");
  await exited;
}

async function reachable(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`the program ended with ${child.exitCode}`);
    const connected = await new Promise<boolean>((resolve) => {
      const socket = net.connect(port, "127.0.0.1", () => {
        socket.destroy();
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
    if (connected) return;
    await systemClock.sleep(25);
  }
  throw new Error(`nothing listens on port ${port}`);
}
