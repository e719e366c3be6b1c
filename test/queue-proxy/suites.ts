import type { Suite } from "./case.ts";
import { framing } from "./cases/framing.ts";
import { headers } from "./cases/headers.ts";
import { http2 } from "./cases/http2.ts";
import { breaker, idle, responseStart, timeouts, zeroTimeout } from "./cases/limits.ts";
import { observability, requestLog, tracing } from "./cases/observability.ts";
import { parsing } from "./cases/parsing.ts";
import { aggressiveReadiness, probes, readiness, severalProbes, tcpReadiness } from "./cases/probes.ts";
import { tunnels, tunnelTimeout } from "./cases/tunnels.ts";

/** Every behaviour of the queue-proxy that we state, for any implementation of it. */
export const suites: readonly Suite[] = [
  parsing,
  headers,
  framing,
  probes,
  readiness,
  aggressiveReadiness,
  tcpReadiness,
  severalProbes,
  breaker,
  timeouts,
  zeroTimeout,
  responseStart,
  idle,
  tunnels,
  tunnelTimeout,
  observability,
  requestLog,
  tracing,
  http2,
];
