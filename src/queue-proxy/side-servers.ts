import type { Clock } from "../lib/clock.ts";
import type { Logger } from "../lib/log.ts";
import { answer, answerError } from "./answer.ts";
import type { Drainer } from "./drain.ts";
import type { Handler, RequestHead, Responder } from "./message.ts";

const ignored = { body() {}, end() {}, writable() {}, aborted() {} };
/** A drain asked for by the container's preStop hook is called off if no TERM follows within this time. */
const hookGraceMs = 1000;

/** Answers requests for one path; others are 404. A query is allowed. */
export function servePath(path: string, respond: (request: RequestHead, responder: Responder) => void): Handler {
  return (request, responder) => {
    if (request.target.split("?", 1)[0] === path) respond(request, responder);
    else answerError(responder, 404, "404 page not found");
    return ignored;
  };
}

/**
 * The admin server's handler: `/wait-for-drain` answers when the drain is over. Without a TERM within a second the drain
 * is called off, since then only the container restarts. Source: serving v0.42.2 pkg/queue/sharedmain/handlers.go.
 */
export function createAdminHandler(
  clock: Clock,
  logger: Logger,
  drainer: Drainer,
  terminating: () => boolean,
): Handler {
  return servePath("/wait-for-drain", (_request, responder) => {
    logger.info("Attached drain handler from user-container");
    clock.setTimer(hookGraceMs, () => {
      if (!terminating()) drainer.reset();
    });
    void drainer.drain().then(() => answer(responder, 200, ""));
  });
}
