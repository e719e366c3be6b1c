import { appendFileSync, type FSWatcher, readFileSync, statSync, watch, writeFileSync } from "node:fs";

/** When the parts of a log came: programs write to the file without us, so we note when it grew. */
export interface LogTimes {
  /** The time at which the byte at `offset` had come. */
  timeOf(offset: number): number;
  /** Where what came at this time or later begins. */
  offsetAt(timeMs: number): number;
  close(): void;
}

/** Two notes are this far apart at least. */
const resolutionMs = 20;

/**
 * Notes the growth of a log file, beside it in `<file>.times`, until it is closed. Lines that came while nobody
 * looked have the time of the next note.
 */
export function trackLogTimes(file: string, now: () => number): LogTimes {
  const notes = readNotes(`${file}.times`);
  const sizeNow = () => statSync(file, { throwIfNoEntry: false })?.size;
  /** The pod may be gone, or the disk full: then the times are known to this agent only. */
  const persist = (write: () => void) => {
    try {
      write();
    } catch {
      // As said.
    }
  };
  const note = () => {
    const size = sizeNow();
    if (size === undefined) return;
    if (size < (notes.at(-1)?.offset ?? 0)) {
      // The log was cut off (see log-rotation.ts): what is in it now is new.
      notes.length = 0;
      persist(() => writeFileSync(`${file}.times`, ""));
    }
    const last = notes.at(-1);
    if (size <= (last?.offset ?? 0)) return;
    const timeMs = now();
    if (last && timeMs - last.timeMs < resolutionMs) {
      last.offset = size;
      return;
    }
    notes.push({ offset: size, timeMs });
    persist(() => appendFileSync(`${file}.times`, `${timeMs} ${size}\n`));
  };
  let watcher: FSWatcher | undefined;
  try {
    watcher = watch(file, { persistent: false }, () => note());
    // Without watching, times are those at which somebody asks.
    watcher.on("error", () => {});
  } catch {
    // The system has no more watches to give: as above.
  }
  note();
  return {
    timeOf(offset) {
      note();
      return notes.find((candidate) => candidate.offset > offset)?.timeMs ?? now();
    },
    offsetAt(timeMs) {
      note();
      let begin = 0;
      for (const { offset, timeMs: noted } of notes) {
        if (noted >= timeMs) return begin;
        begin = offset;
      }
      return begin;
    },
    close() {
      note();
      watcher?.close();
    },
  };
}

function readNotes(file: string): { offset: number; timeMs: number }[] {
  try {
    const lines = readFileSync(file, "utf8").trim().split("\n");
    return lines.filter(Boolean).map((line) => {
      const [timeMs = 0, offset = 0] = line.split(" ").map(Number);
      return { timeMs, offset };
    });
  } catch {
    return [];
  }
}
