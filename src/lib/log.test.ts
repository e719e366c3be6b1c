import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { createLogger, logFile } from "./log.ts";

test("lines are appended to a file, whose directory is made", () => {
  const directory = mkdtempSync(join(tmpdir(), "hakn-log-"));
  try {
    const path = join(directory, "logs", "a.log");
    for (const message of ["first", "zweite ä"]) createLogger("a", "info", logFile(path)).info(message, { n: 1 });
    const lines = readFileSync(path, "utf8").trimEnd().split("\n");
    assert.deepEqual(
      lines.map((line) => JSON.parse(line).message),
      ["first", "zweite ä"],
    );
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test("a line that finds the disk full is lost, and the program goes on", {
  skip: existsSync("/dev/full") ? false : "this system has no /dev/full",
}, () => {
  const log = createLogger("a", "info", logFile("/dev/full"));
  assert.doesNotThrow(() => {
    for (let line = 0; line < 3; line++) log.error("no space");
  });
});
