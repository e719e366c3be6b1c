import type { Clock } from "./clock.ts";

const defaultSeconds = 30;
const maxSeconds = 300;

/** How long a request wants to profile: its parameter `seconds`, at most five minutes. */
export function profileSeconds(parameters: URLSearchParams): number {
  return Math.min(maxSeconds, Number(parameters.get("seconds") ?? defaultSeconds) || defaultSeconds);
}

/** Watches where this process spends its time for so long. Resolves with a `.cpuprofile`. */
export async function profileCpu(clock: Clock, seconds: number): Promise<string> {
  const { Session } = await import("node:inspector/promises");
  const session = new Session();
  session.connect();
  try {
    await session.post("Profiler.enable");
    await session.post("Profiler.start");
    await clock.sleep(seconds * 1000);
    const { profile } = await session.post("Profiler.stop");
    return JSON.stringify(profile);
  } finally {
    session.disconnect();
  }
}
