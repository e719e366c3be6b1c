import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { pruneImages } from "./image-pruning.ts";

describe("unpacked images", () => {
  let work: string;
  const nameOf = (digit: number) => String(digit).repeat(64);
  before(() => {
    work = mkdtempSync(join(tmpdir(), "hakn-images-"));
    for (const digit of [1, 2, 3, 4]) {
      mkdirSync(join(work, nameOf(digit)));
      writeFileSync(join(work, nameOf(digit), "image.json"), "{}");
      utimesSync(join(work, nameOf(digit), "image.json"), digit, digit);
    }
    mkdirSync(join(work, `${nameOf(5)}.123.unpacking`));
    writeFileSync(join(work, "package.json"), "{}");
  });
  after(() => rmSync(work, { recursive: true }));

  it("are deleted when nobody uses them, but for those that were used last", async () => {
    const deleted = await pruneImages(work, new Set([`sha256:${nameOf(1)}`]), 1);
    assert.deepEqual(deleted, [`sha256:${nameOf(3)}`, `sha256:${nameOf(2)}`]);
    assert.deepEqual(
      readdirSync(work).sort(),
      [nameOf(1), nameOf(4), `${nameOf(5)}.123.unpacking`, "package.json"].sort(),
    );
  });
});
