import { messageOf } from "../error-message.ts";
import { goQuote } from "../go-quote.ts";
import { TemplateError } from "./error.ts";
import { type Command, type Expression, show } from "./node.ts";
import type { TemplateValue } from "./value.ts";

/** Which template runs, and whose text it is in. */
export interface Running {
  readonly name: string;
  /** The name of the text. */
  readonly parseName: string;
  readonly text: string;
}

/** What is being evaluated, for messages; shared by the templates that call each other. */
export interface Progress {
  place: { readonly at: number; readonly shown: () => string } | undefined;
}

/** Says what is to blame for a failure. */
export interface Blame {
  /** From here on this is. */
  at(node: Expression | Command): void;
  /** Throws TemplateError with the place and the expression that is to blame. */
  fail(message: string): never;
  /** Runs what throws plain messages, such as a function of the data. */
  calling(name: string, node: Expression | Command, call: () => TemplateValue): TemplateValue;
}

export function createBlame(running: Running, progress: Progress): Blame {
  const fail = (message: string): never => {
    if (!progress.place) throw new TemplateError(`template: ${running.name}: ${message}`);
    const { at, shown } = progress.place;
    const before = running.text.slice(0, at);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    throw new TemplateError(
      `template: ${running.parseName}:${line}:${column}: executing ${goQuote(running.name)} at <${shown()}>: ${message}`,
    );
  };
  const at = (node: Expression | Command) => {
    progress.place = { at: node.at, shown: () => show(node) };
  };
  const calling = (name: string, node: Expression | Command, call: () => TemplateValue): TemplateValue => {
    try {
      return call();
    } catch (error) {
      at(node);
      return fail(`error calling ${name}: ${messageOf(error)}`);
    }
  };

  return { at, fail, calling };
}
