import type { Clock } from "../lib/clock.ts";
import { profileCpu, profileSeconds } from "../lib/cpu-profile.ts";
import { answer, answerError } from "./answer.ts";
import type { Handler } from "./message.ts";

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
      profileCpu(clock, profileSeconds(url.searchParams)).then(
        (profile) => answer(responder, 200, profile, "application/json"),
        (error: Error) => answerError(responder, 500, `Could not enable CPU profiling: ${error.message}`),
      );
    } else {
      answerError(responder, 404, "404 page not found");
    }
    return ignored;
  };
}
