import { createReadStream, existsSync, statSync } from "node:fs";
import { open } from "node:fs/promises";
import { type Clock, pause } from "../../lib/clock.ts";
import type { LogTimes } from "./log-times.ts";

/** Which part of a log is asked for, as PodLogOptions has it. */
export interface LogOptions {
  readonly follow: boolean;
  readonly timestamps: boolean;
  readonly tailLines: number | undefined;
  readonly limitBytes: number | undefined;
  readonly sinceMs: number | undefined;
}

const pollMs = 100;

/**
 * The wanted part of a log file, in pieces; with `follow`, what is added too, until `ended` says that nothing will be.
 * Times are when the agent saw the lines come, since programs write to the file without us.
 */
export async function* readLog(
  file: string,
  options: LogOptions,
  source: {
    readonly times: LogTimes;
    readonly clock: Clock;
    readonly ended: () => boolean;
    readonly signal: AbortSignal;
  },
): AsyncGenerator<Buffer> {
  const { times, clock, ended, signal } = source;
  if (!existsSync(file)) return;
  let offset = Math.max(
    options.sinceMs === undefined ? 0 : times.offsetAt(options.sinceMs),
    options.tailLines === undefined ? 0 : await offsetOfTail(file, options.tailLines),
  );
  let left = options.limitBytes ?? Number.POSITIVE_INFINITY;
  let pending = Buffer.alloc(0);
  const limited = (piece: Buffer): Buffer => {
    const part = piece.subarray(0, Math.min(piece.length, left));
    left -= part.length;
    return part;
  };

  while (!signal.aborted && left > 0) {
    const over = ended();
    const { size } = statSync(file, { throwIfNoEntry: false }) ?? { size: 0 };
    if (size < offset) offset = 0;
    if (size > offset) {
      for await (const chunk of createReadStream(file, { start: offset, end: size - 1 }) as AsyncIterable<Buffer>) {
        if (!options.timestamps) yield limited(chunk);
        else {
          const start = offset - pending.length;
          const all = Buffer.concat([pending, chunk]);
          const end = all.lastIndexOf(10) + 1;
          yield limited(stamp(all.subarray(0, end), start, times));
          pending = all.subarray(end);
        }
        offset += chunk.length;
        if (left <= 0) return;
      }
      continue;
    }
    if (!options.follow || over) break;
    await pause(clock, pollMs, signal);
  }
  if (pending.length > 0 && left > 0) yield limited(stamp(pending, offset - pending.length, times));
}

/** Puts the time before every line. */
function stamp(lines: Buffer, start: number, times: LogTimes): Buffer {
  const parts: Buffer[] = [];
  for (let at = 0; at < lines.length; ) {
    const newline = lines.indexOf(10, at);
    const end = newline < 0 ? lines.length : newline + 1;
    const time = new Date(times.timeOf(start + at)).toISOString().replace("Z", "000000Z");
    parts.push(Buffer.from(`${time} `), lines.subarray(at, end));
    at = end;
  }
  return Buffer.concat(parts);
}

const blockSize = 64 * 1024;

/** Where the last so many lines begin. */
export async function offsetOfTail(file: string, lines: number): Promise<number> {
  const handle = await open(file, "r");
  try {
    const { size } = await handle.stat();
    if (lines <= 0) return size;
    let newlines = 0;
    for (let end = size; end > 0; end -= blockSize) {
      const start = Math.max(0, end - blockSize);
      const buffer = Buffer.alloc(end - start);
      await handle.read(buffer, 0, buffer.length, start);
      for (let at = buffer.length - 1; at >= 0; at--) {
        // The newline at the very end closes the last line.
        if (buffer[at] !== 10 || start + at === size - 1) continue;
        newlines += 1;
        if (newlines === lines) return start + at + 1;
      }
    }
    return 0;
  } finally {
    await handle.close();
  }
}
