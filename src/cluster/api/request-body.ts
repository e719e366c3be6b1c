import type { IncomingMessage } from "node:http";
import { readBody } from "./answer.ts";
import { parseBody } from "./decode.ts";
import { decodeProtobuf, loadProtobufTable, protobufMedia } from "./protobuf.ts";

/** The media type of the body, without parameters, in small letters. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
}

/** The parsed body; undefined for an empty one. */
export async function optionalBody(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request);
  return body.length === 0 ? undefined : parseObject(body, mediaTypeOf(request));
}

/** The parsed body of a request, in any format that objects are sent in. */
export async function readObject(request: IncomingMessage): Promise<unknown> {
  return parseObject(await readBody(request), mediaTypeOf(request));
}

async function parseObject(body: Buffer, mediaType: string): Promise<unknown> {
  if (mediaType !== protobufMedia) return parseBody(body, mediaType);
  await loadProtobufTable();
  return decodeProtobuf(body);
}
