import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import net from "node:net";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { makeEnvironment, runtimes } from "./subject.ts";

const source = fileURLToPath(new URL("../../src/main/queue-proxy.ts", import.meta.url));

/** Runs the program; `within` sees its log lines. Resolves when it has ended. */
function run(
  runtime: string,
  environment: Record<string, string | undefined>,
  within: (line: string, kill: (signal: NodeJS.Signals) => void) => void = () => {},
): Promise<{ code: number | null; log: string; errors: string }> {
  const child = spawn(runtime, [source], { env: environment as NodeJS.ProcessEnv, stdio: ["ignore", "pipe", "pipe"] });
  let log = "";
  let errors = "";
  child.stdout.on("data", (piece: Buffer) => {
    const seen = log.lastIndexOf("\n") + 1;
    log += piece;
    const lines = log.slice(seen, log.lastIndexOf("\n") + 1).split("\n");
    for (const line of lines) if (line !== "") within(line, (signal) => child.kill(signal));
  });
  child.stderr.on("data", (piece: Buffer) => {
    errors += piece;
  });
  return new Promise((resolve) => child.on("close", (code) => resolve({ code, log, errors })));
}

for (const { name, path } of runtimes()) {
  describe(`the program queue-proxy, ${name}`, { concurrency: 1 }, () => {
    const environment = makeEnvironment({ SERVING_LOGGING_LEVEL: "info" }, 1);

    test("a variable that is missing: its name on stderr, exit status 1", async () => {
      const { code, errors } = await run(path, { ...environment, USER_PORT: undefined });
      assert.equal(code, 1);
      assert.equal(errors, "required key USER_PORT missing value\n");
    });

    test("a probe that is no JSON: a line of log, exit status 1", async () => {
      const { code, log } = await run(path, { ...environment, SERVING_READINESS_PROBE: "{" });
      assert.equal(code, 1);
      assert.match(log, /Failed to bring up queue-proxy/);
    });

    test("a port that is taken: a line of log that names the server and the port, exit status 1", async (t) => {
      const other = net.createServer();
      t.after(() => new Promise((resolve) => other.close(resolve)));
      await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
      const { port } = other.address() as net.AddressInfo;
      const taken = { ...environment, HAKN_BIND_ADDRESS: "127.0.0.1", QUEUE_SERVING_PORT: String(port) };
      const { code, log } = await run(path, taken);
      assert.equal(code, 1);
      assert.match(log, new RegExp(`main server failed to serve at port ${port} of 127\\.0\\.0\\.1: .*EADDRINUSE`));
    });

    test("a second TERM ends it at once with status 1", async () => {
      const startedMs = performance.now();
      let started = 0;
      const { code, log } = await run(path, environment, (line, kill) => {
        if (/Starting http server/.test(line) && ++started === 4) kill("SIGTERM");
        if (/Sleeping 30s/.test(line)) kill("SIGTERM");
      });
      assert.equal(code, 1, log);
      assert.ok(performance.now() - startedMs < 20_000);
    });
  });
}
