import assert from "node:assert/strict";
import { appendFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { fakeClock } from "../../testing/fake-clock.ts";
import { type LogOptions, offsetOfTail, readLog } from "./log-reader.ts";
import { rotateLog } from "./log-rotation.ts";
import { trackLogTimes } from "./log-times.ts";

const all: LogOptions = {
  follow: false,
  timestamps: false,
  tailLines: undefined,
  limitBytes: undefined,
  sinceMs: undefined,
};

describe("a container's log", () => {
  let work: string;
  before(() => {
    work = mkdtempSync(join(tmpdir(), "hakn-log-"));
  });
  after(() => rmSync(work, { recursive: true }));

  const tails: [text: string, lines: number, want: string][] = [
    ["a\nb\nc\n", 2, "b\nc\n"],
    ["a\nb\nc", 2, "b\nc"],
    ["a\nb\n", 9, "a\nb\n"],
    ["a\nb\n", 0, ""],
    ["", 3, ""],
    [`${"x".repeat(100_000)}\nlast\n`, 1, "last\n"],
    [`first\n${"x".repeat(200_000)}\n`, 1, `${"x".repeat(200_000)}\n`],
  ];
  for (const [text, lines, want] of tails) {
    it(`of ${text.length} bytes ends with ${lines} lines`, async () => {
      const file = join(work, "tail");
      writeFileSync(file, text);
      assert.equal(text.slice(await offsetOfTail(file, lines)), want);
    });
  }

  it("tells when its lines came, also after the agent was replaced, and can be read from a time on", async () => {
    const file = join(work, "timed");
    const clock = fakeClock();
    const start = clock.now();
    const read = async (options: Partial<LogOptions>, times: ReturnType<typeof trackLogTimes>) => {
      let text = "";
      const source = { times, clock, ended: () => true, signal: new AbortController().signal };
      for await (const piece of readLog(file, { ...all, ...options }, source)) text += piece.toString();
      return text;
    };
    writeFileSync(file, "one\n");
    trackLogTimes(file, () => clock.now()).close();
    await clock.advance(1000);
    appendFileSync(file, "two\nthree\n");
    const times = trackLogTimes(file, () => clock.now());
    await clock.advance(1000);
    appendFileSync(file, "four");
    assert.equal(
      await read({ timestamps: true }, times),
      "2024-01-01T00:00:00.000000000Z one\n2024-01-01T00:00:01.000000000Z two\n2024-01-01T00:00:01.000000000Z three\n2024-01-01T00:00:02.000000000Z four",
    );
    assert.equal(await read({ sinceMs: start + 1000 }, times), "two\nthree\nfour");
    assert.equal(await read({ sinceMs: start + 5000 }, times), "");
    assert.equal(await read({ limitBytes: 5 }, times), "one\nt");
    times.close();
  });

  it("is followed until the container has ended", async () => {
    const file = join(work, "followed");
    const clock = fakeClock();
    writeFileSync(file, "one\n");
    const times = trackLogTimes(file, () => clock.now());
    let over = false;
    const pieces: string[] = [];
    const reading = (async () => {
      const source = { times, clock, ended: () => over, signal: new AbortController().signal };
      for await (const piece of readLog(file, { ...all, follow: true }, source)) pieces.push(piece.toString());
    })();
    const until = async (count: number) => {
      while (pieces.length < count) await clock.advance(100);
    };
    await until(1);
    appendFileSync(file, "two\n");
    await until(2);
    appendFileSync(file, "last\n");
    over = true;
    await until(3);
    await clock.advance(200);
    await reading;
    assert.deepEqual(pieces, ["one\n", "two\n", "last\n"]);
    times.close();
  });

  it("is cut off when it has grown too large, while programs write to it and people follow it", async () => {
    const file = join(work, "large");
    const clock = fakeClock();
    writeFileSync(file, "old\n");
    const times = trackLogTimes(file, () => clock.now());
    await rotateLog(file, 4);
    assert.equal(readFileSync(file, "utf8"), "old\n");
    appendFileSync(file, "x\n");
    await rotateLog(file, 4);
    assert.equal(readFileSync(`${file}.1`, "utf8"), "old\nx\n");
    await clock.advance(1000);
    appendFileSync(file, "new\n");
    let text = "";
    const source = { times, clock, ended: () => true, signal: new AbortController().signal };
    for await (const piece of readLog(file, { ...all, timestamps: true }, source)) text += piece.toString();
    assert.equal(text, "2024-01-01T00:00:01.000000000Z new\n");
    times.close();
  });
});
