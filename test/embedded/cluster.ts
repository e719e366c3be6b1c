import { type ChildProcess, execFile, execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { type IncomingHttpHeaders, request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

export const root = fileURLToPath(new URL("../..", import.meta.url));
const hakn = join(root, "dist/bin/hakn");
let built = false;

/** A cluster started as a user starts one: the bundled program, in a process of its own, with a fresh directory. */
export interface TestCluster {
  readonly dataDir: string;
  readonly gatewayPort: number;
  readonly registry: string;
  readonly supervisor: ChildProcess;
  kubectl(...args: string[]): Promise<string>;
  /** `kubectl get -w`, line by line. */
  watch(...args: string[]): Watch;
  /** `kubectl port-forward` to a port of a pod, from a free port of this machine. */
  forward(pod: string, port: number): Promise<{ readonly port: number; stop(): void }>;
  /** Applies YAML given as text. */
  apply(yaml: string): Promise<string>;
  hakn(...args: string[]): Promise<string>;
  /** A request through the gateway. */
  get(host: string, path?: string, headers?: Record<string, string>): Promise<Answer>;
  stop(): Promise<void>;
}

export interface Watch {
  /** Settles with the first wanted line after the one that was found before; rejects when none comes for 30 s. */
  until(wanted: (line: string) => boolean): Promise<string>;
  stop(): void;
}

export interface Answer {
  readonly status: number;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
}

/** Where kubectl is; undefined when this machine has none (https://kubernetes.io/docs/tasks/tools). */
export const kubectlPath = (process.env["PATH"] ?? "")
  .split(":")
  .map((directory) => join(directory, "kubectl"))
  .find((path) => existsSync(path));

/** Bundles the programs once for all tests of a run. */
export function buildPrograms(): void {
  if (built) return;
  execFileSync(process.execPath, [join(root, "build/build.ts")], { stdio: "inherit" });
  built = true;
}

export interface TestClusterOptions {
  /** A fresh one unless told. */
  readonly dataDir?: string;
  /** Any free port unless told. */
  readonly httpPort?: number;
  /** TLS is off unless told. */
  readonly httpsPort?: number;
  /** Beside the environment of the tests. */
  readonly env?: Readonly<Record<string, string>>;
}

export async function startTestCluster(options: TestClusterOptions = {}): Promise<TestCluster> {
  const { dataDir = mkdtempSync(join(tmpdir(), "hakn-test-")), httpPort = 0, httpsPort, env = {} } = options;
  buildPrograms();
  const tls = httpsPort === undefined ? [] : ["--https-port", String(httpsPort)];
  const supervisor = spawn(
    process.execPath,
    [hakn, "up", "--data-dir", dataDir, "--http-port", String(httpPort), ...tls, "--json"],
    { cwd: root, env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] },
  );
  const errors: string[] = [];
  supervisor.stderr.setEncoding("utf8").on("data", (text: string) => errors.push(text));
  const ready = await new Promise<{ kubeconfig: string; gatewayUrl: string; registry: string }>((resolve, reject) => {
    createInterface({ input: supervisor.stdout }).once("line", (line) => resolve(JSON.parse(line)));
    supervisor.once("exit", (code) => reject(new Error(`hakn up ended with code ${code}:\n${errors.join("")}`)));
  });
  const gatewayPort = Number(new URL(ready.gatewayUrl).port);
  const run = promisify(execFile);
  const kubectl = async (...args: string[]) => {
    const { stdout } = await run(kubectlPath!, ["--kubeconfig", ready.kubeconfig, ...args], { maxBuffer: 64e6 });
    return stdout;
  };
  return {
    dataDir,
    gatewayPort,
    registry: ready.registry,
    supervisor,
    kubectl,
    watch: (...args) => startWatch(spawn(kubectlPath!, ["--kubeconfig", ready.kubeconfig, "get", "-w", ...args])),
    async forward(pod, port) {
      const child = spawn(kubectlPath!, ["--kubeconfig", ready.kubeconfig, "port-forward", pod, `:${port}`]);
      const line = await new Promise<string>((resolve, reject) => {
        createInterface({ input: child.stdout }).once("line", resolve);
        child.once("exit", (code) => reject(new Error(`kubectl port-forward ended with code ${code}`)));
      });
      return { port: Number(/127\.0\.0\.1:(\d+) -> /.exec(line)?.[1]), stop: () => void child.kill() };
    },
    apply(yaml) {
      const child = spawn(kubectlPath!, ["--kubeconfig", ready.kubeconfig, "apply", "-f", "-"]);
      child.stdin.end(yaml);
      return outputOf(child);
    },
    async hakn(...args) {
      const [command, ...rest] = args;
      const { stdout } = await run(process.execPath, [hakn, command!, "--data-dir", dataDir, ...rest], { cwd: root });
      return stdout;
    },
    get: (host, path = "/", headers = {}) => get(gatewayPort, host, path, headers),
    async stop() {
      if (supervisor.exitCode === null && supervisor.signalCode === null) {
        const gone = new Promise((resolve) => supervisor.once("exit", resolve));
        supervisor.kill("SIGTERM");
        await gone;
      }
      rmSync(dataDir, { recursive: true, force: true });
    },
  };
}

function startWatch(child: ChildProcess): Watch {
  const unread: string[] = [];
  let look = () => {};
  createInterface({ input: child.stdout! }).on("line", (line) => {
    unread.push(line);
    look();
  });
  return {
    until: (wanted) =>
      new Promise((resolve, reject) => {
        const patience = setTimeout(() => {
          look = () => {};
          reject(new Error("the wanted line did not come"));
        }, 30_000);
        look = () => {
          const found = unread.findIndex(wanted);
          if (found < 0) return;
          clearTimeout(patience);
          look = () => {};
          resolve(unread.splice(0, found + 1).at(-1)!);
        };
        look();
      }),
    stop: () => void child.kill(),
  };
}

/** Calls `request` again and again, by `clients` at a time, until it is stopped. `request` must not reject. */
export function startLoad(request: () => Promise<void>, clients = 1): { stop(): Promise<void> } {
  let stopped = false;
  const client = async () => {
    while (!stopped) await request();
  };
  const running = Array.from({ length: clients }, client);
  return {
    async stop() {
      stopped = true;
      await Promise.all(running);
    },
  };
}

/** One HTTP request with a connection of its own. Rejects when the connection fails. */
export function get(port: number, host: string, path: string, headers: Record<string, string>): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const outgoing = request(
      { host: "127.0.0.1", port, path, headers: { host, ...headers }, agent: false },
      (response) => {
        let body = "";
        response.setEncoding("utf8");
        response.on("data", (text: string) => {
          body += text;
        });
        response.on("end", () => resolve({ status: response.statusCode ?? 0, body, headers: response.headers }));
        response.on("error", reject);
      },
    );
    outgoing.on("error", reject);
    outgoing.end();
  });
}

function outputOf(child: ReturnType<typeof spawn>): Promise<string> {
  return new Promise((resolve, reject) => {
    let out = "";
    let err = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      err += text;
    });
    child.once("exit", (code) => (code === 0 ? resolve(out) : reject(new Error(err || `exit code ${code}`))));
    child.once("error", reject);
  });
}
