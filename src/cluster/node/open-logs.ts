import { dirname, join } from "node:path";
import type { Logger } from "../../lib/log.ts";
import { rotateLog } from "./log-rotation.ts";
import { type LogTimes, trackLogTimes } from "./log-times.ts";

/** The logs of the node's containers whose growth is noted. */
export interface OpenLogs {
  /** When the lines of a log came; the log is open from then on. */
  timesOf(file: string): LogTimes;
  /** Opens the log of a container's present start. Those of its earlier starts are closed: they do not grow any more. */
  track(file: string): void;
  /** Cuts off those that have become too long. */
  rotate(log: Logger): Promise<void>;
  closeBelow(directory: string): void;
}

/** `now` is the time that lines get which come at this moment. */
export function createOpenLogs(now: () => number): OpenLogs {
  const open = new Map<string, LogTimes>();
  const timesOf = (file: string): LogTimes => {
    const times = open.get(file) ?? trackLogTimes(file, now);
    open.set(file, times);
    return times;
  };
  const closeWhere = (isMeant: (file: string) => boolean) => {
    for (const [file, times] of open) {
      if (!isMeant(file)) continue;
      times.close();
      open.delete(file);
    }
  };
  return {
    timesOf,
    track(file) {
      closeWhere((other) => other !== file && containerOf(other) === containerOf(file));
      timesOf(file);
    },
    async rotate(log) {
      for (const file of open.keys()) {
        await rotateLog(file).catch((error) => log.warn("a container's log could not be cut off", { file, error }));
      }
    },
    closeBelow: (directory) => closeWhere((file) => file.startsWith(join(directory, "/"))),
  };
}

/** The directory in which each start of a container has one of its own (see container-records.ts). */
function containerOf(file: string): string {
  return dirname(dirname(file));
}
