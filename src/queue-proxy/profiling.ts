import type { Clock } from "../lib/clock.ts";
import { answer, answerError } from "./answer.ts";
import type { Handler } from "./message.ts";

const defaultSeconds = 30;
const maxSeconds = 300;
const ignored = { body() {}, end() {}, writable() {}, aborted() {} };

/**
 * The profiling server's handler. The paths are those of Go's pprof; what they give is the runtime's own format:
 * `/debug/pprof/profile?seconds=N` a `.cpuprofile`, `/debug/pprof/heap` a JSON summary of the memory.
 */
export function createProfilingHandler(clock: Clock): Handler {
  return (request, responder) => {
    const url = new URL(request.target, "http://localhost");
    if (url.pathname === "/debug/pprof/" || url.pathname === "/debug/pprof") {
      answer(responder, 200, "profile\nheap\n", "text/plain; charset=utf-8");
    } else if (url.pathname === "/debug/pprof/heap") {
      answer(responder, 200, JSON.stringify(process.memoryUsage()), "application/json");
    } else if (url.pathname === "/debug/pprof/profile") {
      const seconds = Math.min(maxSeconds, Number(url.searchParams.get("seconds") ?? defaultSeconds) || defaultSeconds);
      profileCpu(clock, seconds).then(
        (profile) => answer(responder, 200, profile, "application/json"),
        (error: Error) => answerError(responder, 500, `Could not enable CPU profiling: ${error.message}`),
      );
    } else {
      answerError(responder, 404, "404 page not found");
    }
    return ignored;
  };
}

async function profileCpu(clock: Clock, seconds: number): Promise<string> {
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
