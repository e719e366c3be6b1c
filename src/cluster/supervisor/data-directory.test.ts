import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { pathToFileURL } from "node:url";
import {
  DataDirectoryError,
  explainFullDisk,
  openDataDirectory,
  runningSupervisor,
  startTimeOf,
} from "./data-directory.ts";

const module = pathToFileURL(join(import.meta.dirname, "data-directory.ts")).href;

/** Runs a script that has `openDataDirectory`; settles with what it says on stderr. */
function runScript(script: string): Promise<string> {
  const source = `import { openDataDirectory } from ${JSON.stringify(module)};\n${script}`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", source], { stdio: ["ignore", "ignore", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint += text;
  });
  return new Promise((resolve, reject) => {
    child.once("error", reject);
    child.once("close", (code) => resolve(code === 0 ? "" : `${code}: ${complaint}`));
  });
}

test("several commands use a data directory at once, while the state is written", async () => {
  const path = mkdtempSync(join(tmpdir(), "hakn-data-"));
  try {
    const directory = openDataDirectory(path);
    const state = { pid: 1, apiPort: 2, registryPort: 3, gatewayPort: 4 };
    directory.writeState(state);
    const reader = `for (let index = 0; index < 500; index++) {
      if (openDataDirectory(${JSON.stringify(path)}).readState()?.apiPort !== 2) throw new Error("no state");
    }`;
    let done = false;
    const readers = Promise.all([runScript(reader), runScript(reader)]).finally(() => {
      done = true;
    });
    while (!done) {
      directory.writeState(state);
      await new Promise((resolve) => setImmediate(resolve));
    }
    assert.deepEqual(await readers, ["", ""]);
    assert.deepEqual(readdirSync(path), ["cluster.json"]);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});

const noSpace = Object.assign(new Error("write"), { code: "ENOSPC" });
const fullDisks: [string, Error, boolean][] = [
  ["a write that failed", noSpace, true],
  ["the reason behind another error", new Error("cannot push", { cause: noSpace }), true],
  ["SQLite's words, through the API server", new Error("cannot apply x: database or disk is full"), true],
  ["anything else", new Error("connection refused"), false],
];
for (const [name, error, full] of fullDisks) {
  test(`a full disk is told as what it is: ${name}`, () => {
    const told = explainFullDisk(error, "/data");
    if (!full) return assert.equal(told, error);
    assert.ok(told instanceof DataDirectoryError);
    assert.match(told.message, /the disk of the data directory \/data is full: free some space/);
  });
}

const { pid } = process;
const startTime = startTimeOf(pid);
const states: [name: string, state: object, running: number | undefined][] = [
  ["its process runs", { pid, ...(startTime !== undefined && { startTime }) }, pid],
  ["none was started", {}, undefined],
  ["the system does not tell when processes started", { pid }, pid],
  ["that process is gone", { pid: 2 ** 30 }, undefined],
  ["that process is gone, and was of a system with /proc", { pid: 2 ** 30, startTime: 1 }, undefined],
  ["its number went to another program, as after a crash of the machine", { pid, startTime: 1 }, undefined],
];
for (const [name, state, running] of states) {
  test(`whether a cluster runs: ${name}`, () => {
    const ports = { apiPort: 1, registryPort: 2, gatewayPort: 3 };
    assert.equal(runningSupervisor({ readState: () => ({ ...ports, ...state }) }), running);
  });
}
