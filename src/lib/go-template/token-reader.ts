import { TemplateError } from "./error.ts";
import { describeToken, lex, type Token } from "./lex.ts";

/** The tokens of a template, one after the other, and the words for what is wrong with them. */
export interface TokenReader {
  peek(): Token;
  next(): Token;
  skipSpace(): void;
  peekNonSpace(): Token;
  nextNonSpace(): Token;
  /** The next token that is no space, which has to be of this type. */
  expect(type: Token["type"], context: string): Token;
  /** Where the reader is, to go back to. */
  position(): number;
  goBack(position: number): void;
  /** Takes the last token back. */
  unread(): void;
  /** From here on an action is read, or (undefined) text between actions. */
  within(action: Token | undefined): void;
  /** Throws TemplateError with the line of the furthest token that was looked at. */
  fail(message: string): never;
  unexpected(token: Token, context: string): never;
  /** Reads a literal; what is wrong with it is told with its line. */
  literally<T>(read: () => T): T;
}

/** Reads the template `name`. */
export function createTokenReader(name: string, text: string): TokenReader {
  const tokens = lex(text);
  let index = 0;
  /** The last token that was looked at: errors name its line. */
  let furthest = 0;
  let actionLine = 0;

  const fail = (message: string): never => {
    const { line } = tokens[Math.min(furthest, tokens.length - 1)]!;
    throw new TemplateError(`template: ${name}:${line}: ${message}`);
  };
  const peek = (): Token => {
    furthest = Math.max(furthest, index);
    return tokens[Math.min(index, tokens.length - 1)]!;
  };
  const next = (): Token => {
    const token = peek();
    index++;
    return token;
  };
  const skipSpace = () => {
    while (peek().type === "space") index++;
  };
  const peekNonSpace = (): Token => {
    skipSpace();
    return peek();
  };
  const nextNonSpace = (): Token => {
    skipSpace();
    return next();
  };
  const unexpected = (token: Token, context: string): never => {
    if (token.type !== "error") return fail(`unexpected ${describeToken(token)} in ${context}`);
    const isElsewhere = actionLine !== 0 && actionLine !== token.line;
    const started = token.value.endsWith(" action") ? " started at" : " in action started at";
    return fail(token.value + (isElsewhere ? `${started} ${name}:${actionLine}` : ""));
  };
  const expect = (type: Token["type"], context: string): Token => {
    const token = nextNonSpace();
    return token.type === type ? token : unexpected(token, context);
  };
  const literally = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (error instanceof TemplateError) return fail(error.message);
      throw error;
    }
  };

  return {
    peek,
    next,
    skipSpace,
    peekNonSpace,
    nextNonSpace,
    expect,
    position: () => index,
    goBack(position) {
      index = position;
    },
    unread() {
      index--;
    },
    within(action) {
      actionLine = action?.line ?? 0;
    },
    fail,
    unexpected,
    literally,
  };
}

export function isKeyword(token: Token, word: string): boolean {
  return token.type === "keyword" && token.value === word;
}
