import { PassThrough, type Readable, Writable } from "node:stream";
import type { Status } from "../../../apis/meta.ts";
import type { TerminalSize } from "../../exec-frames.ts";

/** Which streams a client of pods/exec asks for. */
export interface ExecStreams {
  readonly stdin: boolean;
  readonly stdout: boolean;
  readonly stderr: boolean;
  readonly tty: boolean;
}

/** The client's side of a command that runs in a container, whatever the protocol. */
export interface ExecClient {
  readonly input: Readable;
  readonly output: Writable;
  readonly errors: Writable;
  /** The sizes of its terminal, as they come. */
  readonly sizes: Readable;
  /** Says how the command ended, and ends the connection. */
  finish(status: Status): Promise<void>;
  /** The client has gone. */
  readonly gone: AbortSignal;
}

/** For an output that the client did not ask for. */
export function nowhere(): Writable {
  return new Writable({ write: (_chunk, _encoding, done) => done() });
}

/** For an input that the client does not have. */
export function nothing(): Readable {
  return new PassThrough().end();
}

/** The first size that the client tells; undefined when it is none, or nothing that makes sense. */
export async function firstSize(sizes: Readable): Promise<TerminalSize | undefined> {
  for await (const chunk of sizes) {
    const match = /^\{"Width":(\d+),"Height":(\d+)\}/.exec(String(chunk));
    if (match) return { columns: Number(match[1]), rows: Number(match[2]) };
  }
  return undefined;
}
