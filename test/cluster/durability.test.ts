import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { type Access, send } from "./contract.ts";

const program = fileURLToPath(new URL("./serve-api.ts", import.meta.url));
const configMaps = "/api/v1/namespaces/default/configmaps";

async function start(directory: string): Promise<{ child: ChildProcess; access: Access }> {
  const child = spawn(process.execPath, [program, directory], { stdio: ["ignore", "pipe", "inherit"] });
  let line = "";
  for await (const chunk of child.stdout) {
    line += String(chunk);
    if (line.endsWith("\n")) break;
  }
  return { child, access: JSON.parse(line) as Access };
}

/** Writes until the server is gone, and notes every answer that says it is done. */
async function writeUntilGone(
  access: Access,
  writer: number,
  acknowledged: Map<string, { value: string; version: number }>,
): Promise<void> {
  for (let round = 0; ; round++) {
    const name = `w${writer}-${round % 20}`;
    const value = String(round);
    const body = { apiVersion: "v1", kind: "ConfigMap", metadata: { name }, data: { value } };
    const known = acknowledged.has(name);
    try {
      const answer = await send(access, known ? ["PUT", `${configMaps}/${name}`, body] : ["POST", configMaps, body]);
      assert.ok(answer.code < 300, answer.text);
      const { metadata } = JSON.parse(answer.text) as { metadata: { resourceVersion: string } };
      acknowledged.set(name, { value, version: Number(metadata.resourceVersion) });
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return;
    }
  }
}

test("a server that is killed while it writes has lost nothing that it acknowledged", { timeout: 60_000 }, async () => {
  const directory = mkdtempSync(join(tmpdir(), "hakn-durability-"));
  try {
    const acknowledged = new Map<string, { value: string; version: number }>();
    let { child, access } = await start(directory);
    for (let crash = 0; crash < 2; crash++) {
      const writers = Array.from({ length: 8 }, (_, writer) => writeUntilGone(access, writer, acknowledged));
      const before = acknowledged.size;
      const enough = async () => {
        while (
          acknowledged.size < Math.max(before, 8) ||
          [...acknowledged.values()].every(({ value }) => Number(value) < 5)
        ) {
          await new Promise((resolve) => setImmediate(resolve));
        }
      };
      await enough();
      child.kill("SIGKILL");
      await Promise.all([once(child, "exit"), ...writers]);
      ({ child, access } = await start(directory));
      const { text } = await send(access, ["GET", configMaps]);
      const list = JSON.parse(text) as {
        metadata: { resourceVersion: string };
        items: { metadata: { name: string; resourceVersion: string }; data: { value: string } }[];
      };
      const stored = new Map(list.items.map((item) => [item.metadata.name, item]));
      for (const [name, { value, version }] of acknowledged) {
        const item = stored.get(name);
        assert.ok(item, `${name} is gone`);
        // A write that was on its way when the server died may have been stored as well.
        const newer = Number(item.metadata.resourceVersion) > version;
        assert.ok(newer || item.data.value === value, `${name} is ${item.data.value}, not ${value}`);
        assert.ok(Number(item.metadata.resourceVersion) >= version, `${name} went back`);
        acknowledged.set(name, { value: item.data.value, version: Number(item.metadata.resourceVersion) });
      }
      for (const name of stored.keys()) if (!acknowledged.has(name)) acknowledged.set(name, { value: "0", version: 0 });
    }
    child.kill("SIGKILL");
    await once(child, "exit");
  } finally {
    rmSync(directory, { recursive: true });
  }
});
