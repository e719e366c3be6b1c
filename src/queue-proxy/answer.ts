import { HeaderList, names } from "./codec/headers.ts";
import type { Responder } from "./message.ts";

/** Answers with a body in one piece. */
export function answer(responder: Responder, status: number, body: string | Uint8Array, contentType?: string): void {
  const headers = new HeaderList();
  if (contentType !== undefined) headers.add(names.contentType, contentType);
  answerWith(responder, status, headers, body);
}

/** Answers with these headers and a body in one piece. */
export function answerWith(responder: Responder, status: number, headers: HeaderList, body: string | Uint8Array): void {
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  responder.head({ status, headers, bodyLength: bytes.length });
  if (bytes.length > 0) responder.body(bytes);
  responder.end();
}

/** Answers as Go's http.Error does: plain text with a line feed, not to be sniffed. */
export function answerError(responder: Responder, status: number, text: string): void {
  const headers = new HeaderList();
  headers.add(names.contentType, plainText);
  headers.add(names.contentTypeOptions, "nosniff");
  answerWith(responder, status, headers, `${text}\n`);
}

/** The content type of plain answers. */
export const plainText = "text/plain; charset=utf-8";
