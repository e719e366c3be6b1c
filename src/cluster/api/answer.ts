import type { IncomingMessage, ServerResponse } from "node:http";
import { ApiError } from "../../kube/errors.ts";
import type { Logger } from "../../lib/log.ts";
import { badRequest, internalError, statusError, tooLarge } from "./status-errors.ts";

const maxBodyBytes = 3 * 1024 * 1024;

/** Reads a request's body. Throws 413 above the limit of 3 MB, as the real server does. */
export function readBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    if (Number(request.headers["content-length"] ?? 0) > maxBodyBytes) {
      reject(tooLarge(maxBodyBytes));
      return;
    }
    const chunks: Buffer[] = [];
    let size = 0;
    request.on("data", (chunk: Buffer) => {
      size += chunk.length;
      if (size > maxBodyBytes) reject(tooLarge(maxBodyBytes));
      else chunks.push(chunk);
    });
    request.once("end", () => resolve(chunks.length === 1 ? chunks[0]! : Buffer.concat(chunks, size)));
    const endEarly = () => reject(badRequest("the body of the request ended early"));
    request.once("error", endEarly);
    request.once("close", () => {
      if (!request.readableEnded) endEarly();
    });
  });
}

export function sendJson(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, {
    "content-type": "application/json",
    "content-length": Buffer.byteLength(text),
    "cache-control": "no-cache, private",
  });
  response.end(text);
}

export function sendText(response: ServerResponse, code: number, text: string): void {
  response.writeHead(code, { "content-type": "text/plain; charset=utf-8", "content-length": Buffer.byteLength(text) });
  response.end(text);
}

/** Answers with the Status of a failure; what is no ApiError is logged and answered as an internal error. */
export function sendError(request: IncomingMessage, response: ServerResponse, error: unknown, log: Logger): void {
  const failure = error instanceof ApiError ? error : internalError(error);
  if (!(error instanceof ApiError)) log.error("a request failed", { error, method: request.method, path: request.url });
  if (response.headersSent) {
    response.destroy();
    return;
  }
  if (failure.retryAfterMs !== undefined)
    response.setHeader("retry-after", String(Math.ceil(failure.retryAfterMs / 1000)));
  // Without this a client that is still sending a refused body would never see the answer.
  if (!request.complete) response.setHeader("connection", "close");
  sendJson(response, failure.code, JSON.stringify(failure.status));
}

/** The header text of a warning. Source: RFC 7234, k8s.io/apiserver warning. */
export function warningHeader(text: string): string {
  return `299 - ${JSON.stringify(text.replace(/[\r\n]+/g, " "))}`;
}

export const notReady = () => statusError(503, "ServiceUnavailable", "the server is shutting down");
