import type { Clock } from "../../../lib/clock.ts";
import type { HttpAnswer, RegistryTransport } from "./transport.ts";

/** Statuses after which the same request may well succeed. 429 only counts where the registry says when. */
const passing = [408, 500, 502, 503, 504];
const pausesMs = [1000, 3000];

/**
 * A transport that sends a request again when the connection broke or the other had a passing trouble: after 1 s and 3 s, or
 * when the answer says, if that is soon. Source: go-containerregistry pkg/v1/remote options.go.
 */
export function withRetries(transport: RegistryTransport, clock: Clock): RegistryTransport {
  return {
    ...transport,
    async send(request) {
      for (const pauseMs of pausesMs) {
        let waitMs: number | undefined;
        try {
          const answer = await transport.send(request);
          waitMs = pauseAfter(answer, pauseMs);
          if (waitMs === undefined) return answer;
        } catch (error) {
          if (request.signal.aborted || !isBroken(error)) throw error;
          waitMs = pauseMs;
        }
        await clock.sleep(waitMs, request.signal);
      }
      return transport.send(request);
    },
  };
}

/** How long an answer asks to wait (`Retry-After`), in milliseconds; undefined where it says nothing of it. */
export function retryAfter({ headers }: Pick<HttpAnswer, "headers">): number | undefined {
  const seconds = headers["retry-after"];
  return seconds !== undefined && /^\d+$/.test(seconds) ? Number(seconds) * 1000 : undefined;
}

function pauseAfter(answer: HttpAnswer, pauseMs: number): number | undefined {
  const wantedMs = retryAfter(answer);
  if (wantedMs === undefined) return passing.includes(answer.status) ? pauseMs : undefined;
  const isSoon = wantedMs <= pausesMs.at(-1)!;
  return isSoon && (answer.status === 429 || passing.includes(answer.status)) ? Math.max(wantedMs, pauseMs) : undefined;
}

/** The other closed the connection before its answer was whole, as happens to kept-alive ones. */
function isBroken(error: unknown): boolean {
  const { cause } = error as { cause?: { code?: unknown } };
  return ["ECONNRESET", "EPIPE"].includes(String(cause?.code));
}
