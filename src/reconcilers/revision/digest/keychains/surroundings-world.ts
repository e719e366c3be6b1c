import { type FakeClock, fakeClock } from "../../../../testing/fake-clock.ts";
import type { HttpAnswer, HttpRequest } from "../transport.ts";
import type { Surroundings } from "./keychain.ts";

/** What somebody says: a body with status 200 (an object becomes JSON), or more of an answer, or nothing at all. */
export type Reply = { readonly [field: string]: unknown } | string | Partial<Said> | "silence";

export interface Said {
  readonly status: number;
  readonly said: unknown;
  readonly headers: Record<string, string>;
}

export interface FakeSurroundings extends Surroundings {
  readonly clock: FakeClock;
  /** All requests, and the URLs of those that nobody answers. */
  readonly requests: HttpRequest[];
  /** "METHOD url" of every request so far. */
  asked(): string[];
}

/**
 * Surroundings in which `replies` answers by the beginning of "METHOD url", the longest one first. Whoever is not there does
 * not refuse, it stays silent, as an address does that leads nowhere.
 */
export function fakeSurroundings(world: {
  readonly env?: Readonly<Record<string, string>>;
  readonly files?: Readonly<Record<string, string>>;
  readonly replies?: Readonly<Record<string, Reply | ((request: HttpRequest) => Reply)>>;
}): FakeSurroundings {
  const { env = {}, files = {}, replies = {} } = world;
  const requests: HttpRequest[] = [];
  const clock = fakeClock();
  return {
    env,
    clock,
    requests,
    asked: () => requests.map(({ method, url }) => `${method} ${url}`),
    async readFile(path) {
      const content = files[path];
      if (content === undefined) throw new Error(`ENOENT: no such file or directory, open '${path}'`);
      return content;
    },
    async send(request) {
      requests.push(request);
      const line = `${request.method} ${request.url}`;
      const [found] = Object.keys(replies)
        .filter((beginning) => line.startsWith(beginning))
        .toSorted((a, b) => b.length - a.length);
      const reply = found === undefined ? "silence" : replies[found]!;
      const said = typeof reply === "function" ? reply(request) : reply;
      return said === "silence" ? silence(request.signal) : answerOf(said);
    },
  };
}

function answerOf(reply: Exclude<Reply, "silence">): HttpAnswer {
  const isWhole = typeof reply === "object" && ("said" in reply || "status" in reply || "headers" in reply);
  const { status = 200, said = "", headers = {} } = (isWhole ? reply : { said: reply }) as Partial<Said>;
  return { status, headers, body: Buffer.from(typeof said === "string" ? said : JSON.stringify(said)) };
}

function silence(signal: AbortSignal): Promise<never> {
  return new Promise((_, reject) => {
    if (signal.aborted) reject(signal.reason);
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
  });
}

/** The fields of a form that was sent. */
export function fieldsOf(request: HttpRequest | undefined): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(request?.body ?? ""));
}
