import { request } from "node:https";
import type { ContractCase, Step } from "./contract-cases/samples.ts";

/** How to reach an API server as its administrator. */
export interface Access {
  readonly url: string;
  readonly ca: string;
  readonly cert?: string;
  readonly key?: string;
  readonly token?: string;
}

export interface Answer {
  readonly step: string;
  readonly code: number;
  readonly warnings?: readonly string[];
  readonly body: unknown;
}

export interface RawAnswer {
  readonly code: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Sends one request and resolves with the whole answer. */
export function send(
  access: Access,
  [method, path, body, mediaType, accept]: Step,
  headers: Record<string, string> = {},
): Promise<RawAnswer> {
  const text = body === undefined ? "" : typeof body === "string" ? body : JSON.stringify(body);
  return new Promise((resolve, reject) => {
    const sent = request(
      new URL(path, access.url),
      {
        method,
        ca: access.ca,
        ...(access.cert && { cert: access.cert, key: access.key }),
        headers: {
          "user-agent": "contract/1",
          ...(access.token && { authorization: `Bearer ${access.token}` }),
          ...(text && {
            "content-type": mediaType ?? "application/json",
            "content-length": String(Buffer.byteLength(text)),
          }),
          ...(accept && { accept }),
          ...headers,
        },
      },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.once("end", () =>
          resolve({
            code: response.statusCode ?? 0,
            headers: response.headers,
            text: Buffer.concat(chunks).toString(),
          }),
        );
        response.once("error", reject);
      },
    );
    sent.once("error", reject);
    sent.end(text);
  });
}

/** Runs the steps of a case and notes what was answered, without what differs from run to run. */
export async function runCase(access: Access, { steps }: ContractCase): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const step of steps) {
    const { code, headers, text } = await send(access, step);
    const warning = headers["warning"];
    const warnings = warning === undefined ? [] : [warning].flat();
    answers.push({
      step: `${step[0]} ${step[1]}`,
      code,
      ...(warnings.length > 0 && { warnings }),
      body: withoutOrder(normalize(parse(text))),
    });
  }
  return answers;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // A watch answers one object a line.
    return text.startsWith("{")
      ? text
          .trim()
          .split("\n")
          .map((line) => JSON.parse(line) as unknown)
      : text;
  }
}

/** A message that lists several causes repeats them in an order of its own. */
function withoutOrder(body: unknown): unknown {
  const { details, message } = (body ?? {}) as { details?: { causes?: unknown[] }; message?: string };
  if ((details?.causes?.length ?? 0) < 2 || message === undefined) return body;
  return { ...(body as object), message: message.replace(/\[.*\]$/s, "[...]") };
}

const volatile: Readonly<Record<string, string>> = {
  uid: "<uid>",
  resourceVersion: "<version>",
  creationTimestamp: "<time>",
  deletionTimestamp: "<time>",
  lastTransitionTime: "<time>",
  time: "<time>",
  continue: "<token>",
};

/** Replaces what differs from run to run by placeholders, and sorts keys. */
function normalize(value: unknown, key = ""): unknown {
  if (Array.isArray(value)) {
    const items = value.map((item) => normalize(item, key));
    // Entries of one second, and complaints about one object, have no order that could be relied on.
    return key === "managedFields" || key === "causes"
      ? items.sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1))
      : items;
  }
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value)
        .sort(([a], [b]) => (a < b ? -1 : 1))
        .filter(([name]) => key !== "columnDefinitions" || name !== "description")
        .map(([name, field]) => [name, normalize(field, key === "columnDefinitions" ? "" : name)]),
    );
  }
  if (typeof value !== "string") return value;
  if (volatile[key] !== undefined && value !== "") return volatile[key];
  return value
    .replace(/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}/g, "<uid>")
    .replace(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ/g, "<time>")
    .replace(/^\d+[smh](?:\d+[smh])?$/, "<age>")
    .replace(/too old resource version: \d+ \(\d+\)/, "too old resource version: <old> (<new>)")
    .replace(/10\.96\.\d+\.\d+/g, "<ip>");
}
