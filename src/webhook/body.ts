import type { IncomingMessage } from "node:http";

/** A body larger than we take. */
export class BodyTooLargeError extends Error {}

/** What all requests together may hold in memory while they are read. */
export interface BodyBudget {
  /** Bytes that one body may have. */
  readonly largestBytes: number;
  /** Bytes that all bodies under way may have. */
  readonly totalBytes: number;
  usedBytes: number;
}

/** Reads a whole body. Rejects with BodyTooLargeError, or when the connection breaks. */
export function readBody(request: IncomingMessage, budget: BodyBudget): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    let settled = false;
    const settle = (act: () => void) => {
      if (settled) return;
      settled = true;
      budget.usedBytes -= size;
      act();
    };
    const announced = Number(request.headers["content-length"] ?? 0);
    if (announced > budget.largestBytes) {
      settle(() =>
        reject(new BodyTooLargeError(`the body has ${announced} bytes; ${budget.largestBytes} are the most`)),
      );
      return;
    }
    request.on("data", (chunk: Buffer) => {
      if (settled) return;
      size += chunk.length;
      budget.usedBytes += chunk.length;
      if (size > budget.largestBytes) {
        settle(() => reject(new BodyTooLargeError(`the body has more than ${budget.largestBytes} bytes`)));
      } else if (budget.usedBytes > budget.totalBytes) {
        settle(() => reject(new BodyTooLargeError("too many large requests at a time")));
      } else {
        chunks.push(chunk);
      }
    });
    request.on("end", () => settle(() => resolve(Buffer.concat(chunks))));
    request.on("error", (error) => settle(() => reject(error)));
    request.on("close", () => settle(() => reject(new Error("the connection broke before the body was complete"))));
  });
}
