import assert from "node:assert/strict";
import { globSync, readFileSync } from "node:fs";
import { dirname, join, normalize } from "node:path";
import { test } from "node:test";

/** What each room may import beside itself: the arrows of ARCHITECTURE.md. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  lib: [],
  config: ["lib"],
  apis: ["config", "lib"],
  kube: ["apis", "config", "lib"],
  webhook: ["kube", "apis", "config", "lib"],
  reconcilers: ["kube", "apis", "config", "lib"],
  istio: ["kube", "apis", "config", "lib"],
  autoscaler: ["kube", "apis", "config", "lib"],
  "queue-proxy": ["apis", "config", "lib"],
  cluster: ["kube", "apis", "config", "lib"],
  cli: ["kube", "apis", "config", "lib"],
  testing: ["kube", "apis", "config", "lib"],
  main: [
    "cli",
    "cluster",
    "reconcilers",
    "istio",
    "autoscaler",
    "webhook",
    "queue-proxy",
    "kube",
    "apis",
    "config",
    "lib",
  ],
};

const files = globSync("src/**/*.ts").filter((file) => !file.endsWith(".test.ts"));
const importsOf = (file: string): string[] =>
  [...readFileSync(file, "utf8").matchAll(/(?:from|import\()\s*"(\.[^"]+)"/g)].map((match) =>
    normalize(join(dirname(file), match[1]!)),
  );
const roomOf = (file: string): string => file.split("/")[1]!;

test("imports go one way, and rooms beside each other do not know each other", () => {
  assert.ok(files.length > 20, "the sources are found");
  const wrong = files.flatMap((file) => {
    const room = roomOf(file);
    let allowed = mayImport[room];
    if (!allowed) return [`${file}: the room ${room} is not in the table of this test`];
    // The answer program is a test tool: it runs single passes as the table tests do.
    if (file.startsWith("src/main/answer/")) allowed = [...allowed, "testing"];
    // A world is what several tests of one room share.
    if (file.endsWith("-world.ts")) allowed = [...allowed, "testing"];
    return importsOf(file)
      .filter((target) => target.startsWith("src/") && roomOf(target) !== room && !allowed.includes(roomOf(target)))
      .map((target) => `${file} imports ${target}`);
  });
  assert.deepEqual(wrong, []);
});

test("only the programs touch the process and its environment", () => {
  const wrong = files
    .filter((file) => roomOf(file) !== "main")
    .filter((file) => /\bprocess\.(env|exit|on|once)\b|\bsystemClock\b/.test(readFileSync(file, "utf8")))
    .filter((file) => file !== "src/lib/clock.ts");
  assert.deepEqual(wrong, []);
});

test("no program is made of what tests share", () => {
  const wrong = files
    .filter((file) => !file.endsWith("-world.ts") && roomOf(file) !== "testing" && !file.startsWith("src/main/answer/"))
    .flatMap((file) =>
      importsOf(file)
        .filter((target) => /-world\.ts$|^src\/testing\//.test(target))
        .map((target) => `${file} imports ${target}`),
    );
  assert.deepEqual(wrong, []);
});

test("on Bun the queue-proxy loads no module of Node's at its start: they take 5 MB in every pod", () => {
  const loaded = new Set<string>();
  const ofNode: string[] = [];
  const load = (file: string) => {
    if (loaded.has(file)) return;
    loaded.add(file);
    for (const [, target] of readFileSync(file, "utf8").matchAll(/^(?:im|ex)port (?!type )[^;]*?from "([^"]+)"/gm)) {
      if (target!.startsWith(".")) load(normalize(join(dirname(file), target!)));
      else ofNode.push(`${file} imports ${target}`);
    }
  };
  load("src/main/queue-proxy.ts");
  load("src/queue-proxy/adapters/bun.ts");
  assert.ok(loaded.size > 40, "the program's files are found");
  assert.deepEqual(ofNode, []);
});
