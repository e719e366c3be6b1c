import { STATUS_CODES } from "node:http";
import { describe, type HttpAnswer, type HttpRequest } from "../transport.ts";
import type { Surroundings } from "./keychain.ts";

type Request = Omit<HttpRequest, "method"> & { readonly method?: HttpRequest["method"] };

/** Sends a request; rejects with an Error that names it and what was said, where the answer is not 2xx. */
export async function askFor(send: Surroundings["send"], request: Request): Promise<HttpAnswer> {
  const whole = { method: "GET" as const, ...request };
  const answer = await send(whole);
  if (answer.status >= 200 && answer.status < 300) return answer;
  const status = `${answer.status} ${STATUS_CODES[answer.status] ?? ""}`.trimEnd();
  const said = reasonIn(answer.body.toString("utf8"));
  throw new Error(`${describe(whole)}: ${status}${said ? `: ${said}` : ""}`);
}

/** As `askFor`, for an answer that is a JSON object. */
export async function askForJson(send: Surroundings["send"], request: Request): Promise<Fields> {
  const answer = await askFor(send, request);
  return parseFields(describe({ method: "GET", ...request }), answer.body.toString("utf8"));
}

/** The fields of a JSON object. Errors name the object and the field, never a value, which may be a secret. */
export interface Fields {
  readonly values: Readonly<Record<string, unknown>>;
  /** Throws an Error where there is no such text, or an empty one. */
  text(name: string): string;
  /** A moment in milliseconds: RFC 3339, or seconds since 1970. Throws an Error where there is none. */
  time(name: string): number;
  /** A number of seconds, which some write as text; a minute where there is none. */
  seconds(name: string): number;
}

export function createFields(where: string, values: Readonly<Record<string, unknown>>): Fields {
  const missing = (name: string) => new Error(`${where}: there is no ${name}`);
  return {
    values,
    text(name) {
      const value = values[name];
      if (typeof value === "string" && value !== "") return value;
      throw missing(name);
    },
    time(name) {
      const value = values[name];
      const time =
        typeof value === "number" ? value * 1000 : typeof value === "string" ? Date.parse(value) : Number.NaN;
      if (Number.isNaN(time)) throw missing(name);
      return time;
    },
    seconds(name) {
      const seconds = Number(values[name]);
      return seconds > 0 ? seconds : 60;
    },
  };
}

/** Reads a JSON object. Throws an Error that names `where`. */
export function parseFields(where: string, text: string): Fields {
  const values = parseObject(text);
  if (values) return createFields(where, values);
  throw new Error(`${where}: not a JSON object`);
}

/** A form as the body of a POST request. */
export function form(fields: Readonly<Record<string, string | undefined>>) {
  const given = Object.entries(fields).filter((field): field is [string, string] => field[1] !== undefined);
  return {
    method: "POST" as const,
    headers: { "content-type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams(given).toString(),
  };
}

function parseObject(text: string): Record<string, unknown> | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === "object" && parsed !== null ? (parsed as Record<string, unknown>) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * What a cloud says about a refusal, in the ways of the three: without the marks that differ at every request, since who
 * compares reasons would take each for a new one.
 */
function reasonIn(body: string): string {
  const json = parseObject(body);
  const nested = typeof json?.error === "object" && json.error !== null ? (json.error as Record<string, unknown>) : {};
  const [first] = Array.isArray(json?.errors) ? (json.errors as Record<string, unknown>[]) : [];
  const candidates = json
    ? [json.error_description, json.message, json.Message, nested.message, first?.message, json.error]
    : [/<Message>([^<]*)<\/Message>/.exec(body)?.[1]];
  const said = candidates.find((text): text is string => typeof text === "string" && text !== "") ?? "";
  return said
    .split(/\r?\n| Trace ID:/)[0]!
    .trim()
    .slice(0, 300);
}
