import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import { clusterProcesses } from "../../src/cluster/supervisor/processes.ts";
import { systemClock } from "../../src/lib/clock.ts";
import { buildPrograms, root } from "./cluster.ts";

interface Row {
  readonly name: string;
  /** The last step that is told before the user acts. */
  readonly at: string;
  readonly act: (up: ChildProcess) => void;
  readonly ending: { readonly code: number | null; readonly signal: NodeJS.Signals | null };
  /** What it says in the end. */
  readonly said?: RegExp;
}

const interrupt = (up: ChildProcess) => void up.kill("SIGINT");
const closeTerminal = (up: ChildProcess) => {
  up.stdout?.destroy();
  up.stderr?.destroy();
  up.kill("SIGHUP");
};
const inOrder = { code: 0, signal: null };
const givenUp = { code: 1, signal: null };
const rows: Row[] = [
  {
    name: "Ctrl-C while the API server starts",
    at: "starting the API server",
    act: interrupt,
    ending: givenUp,
    said: /The start was given up; nothing is left running\.\n$/,
  },
  {
    name: "Ctrl-C while the control plane starts",
    at: "waiting for the control plane",
    act: interrupt,
    ending: givenUp,
    said: /The start was given up; nothing is left running\.\n$/,
  },
  {
    name: "Ctrl-C while a program does not become ready",
    at: "waiting for stuck",
    act: interrupt,
    ending: inOrder,
    said: /The cluster is stopped; .*\n$/,
  },
  {
    name: "the terminal is closed at the start",
    at: "waiting for the control plane",
    act: closeTerminal,
    ending: givenUp,
  },
  { name: "the terminal is closed later", at: "waiting for stuck", act: closeTerminal, ending: inOrder },
  {
    name: "a second Ctrl-C does not wait",
    at: "waiting for stuck",
    act(up) {
      up.stderr?.on("data", (text: string) => {
        if (text.includes("stopping")) up.kill("SIGINT");
      });
      up.kill("SIGINT");
    },
    ending: { code: null, signal: "SIGINT" },
  },
];

describe("hakn up ends when the user is done, and leaves nothing behind", {
  skip: existsSync("/proc") ? false : "needs /proc, to see what is left behind",
}, () => {
  let directory: string;
  before(() => {
    buildPrograms();
    directory = mkdtempSync(join(tmpdir(), "hakn-stopping-"));
    writeFileSync(join(directory, "server.js"), "setInterval(() => {}, 1e6);");
  });
  after(() => rmSync(directory, { recursive: true, force: true }));

  for (const { name, at, act, ending, said } of rows) {
    test(name, { timeout: 60_000 }, async () => {
      const dataDir = mkdtempSync(join(tmpdir(), "hakn-test-"));
      const up = spawn(
        process.execPath,
        [join(root, "dist/bin/hakn"), "up", "--data-dir", dataDir, "--http-port", "0", "--deploy", directory],
        { cwd: root, stdio: ["ignore", "pipe", "pipe"] },
      );
      try {
        let told = "";
        const reached = new Promise<void>((resolve) => {
          up.stderr.setEncoding("utf8").on("data", (text: string) => {
            told += text;
            if (told.includes(at.replace("stuck", "hakn-stopping"))) resolve();
          });
        });
        const ended = new Promise((resolve) => up.once("exit", (code, signal) => resolve({ code, signal })));
        await reached;
        act(up);
        assert.deepEqual(await ended, ending, told);
        if (said) assert.match(told, said);
        if (ending.signal === null)
          assert.equal(JSON.parse(readFileSync(join(dataDir, "cluster.json"), "utf8")).pid, undefined);
        for (let attempt = 0; attempt < 200 && clusterProcesses(dataDir, undefined).length > 0; attempt++) {
          await systemClock.sleep(50);
        }
        assert.deepEqual(clusterProcesses(dataDir, undefined), []);
      } finally {
        up.kill("SIGKILL");
        rmSync(dataDir, { recursive: true, force: true });
      }
    });
  }
});
