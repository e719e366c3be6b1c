import { type Group, rawGroup } from "./case.ts";
import { framing } from "./cases/framing.ts";
import { grpc, grpcLimits, grpcQueue } from "./cases/grpc.ts";
import { grpcReadiness } from "./cases/grpc-readiness.ts";
import { headers } from "./cases/headers.ts";
import { http2 } from "./cases/http2.ts";
import { http2Container } from "./cases/http2-container.ts";
import { http2States } from "./cases/http2-states.ts";
import { http2Violations } from "./cases/http2-violations.ts";
import { breaker, idle, responseStart, timeouts, zeroTimeout } from "./cases/limits.ts";
import { misbehaviour } from "./cases/misbehaviour.ts";
import { observability, requestLog, tracing } from "./cases/observability.ts";
import { parsing } from "./cases/parsing.ts";
import { aggressiveReadiness, execReadiness, probes, readiness, severalProbes, tcpReadiness } from "./cases/probes.ts";
import { tunnels, tunnelTimeout, unlimitedStreams } from "./cases/tunnels.ts";

const suites = [
  parsing,
  headers,
  framing,
  probes,
  readiness,
  aggressiveReadiness,
  tcpReadiness,
  severalProbes,
  execReadiness,
  breaker,
  timeouts,
  zeroTimeout,
  responseStart,
  idle,
  tunnels,
  tunnelTimeout,
  unlimitedStreams,
  observability,
  requestLog,
  tracing,
  http2,
  http2States,
  http2Violations,
  misbehaviour,
];

/** Every behaviour of the queue-proxy that we state, for any implementation of it. */
export const groups: readonly Group[] = [
  ...suites.map(rawGroup),
  http2Container,
  grpcReadiness,
  grpc,
  grpcQueue,
  grpcLimits,
];
