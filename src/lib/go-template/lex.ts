import { goQuote } from "../go-quote.ts";

export type TokenType =
  | "text"
  | "leftDelim"
  | "rightDelim"
  | "space"
  | "assign"
  | "declare"
  | "pipe"
  | "leftParen"
  | "rightParen"
  | "char"
  | "string"
  | "rawString"
  | "charConstant"
  | "number"
  | "variable"
  | "field"
  | "identifier"
  | "bool"
  | "dot"
  | "nil"
  | "keyword"
  | "error"
  | "eof";

export interface Token {
  readonly type: TokenType;
  readonly value: string;
  /** Where it begins, in UTF-16 units. */
  readonly at: number;
  /** The line that it begins in, from 1. */
  readonly line: number;
}

const keywords = new Set(["block", "break", "continue", "define", "else", "end", "if", "range", "template", "with"]);

/** How an error message shows a token. */
export function describeToken({ type, value }: Token): string {
  if (type === "eof") return "EOF";
  if (type === "error") return value;
  if (type === "keyword" || type === "dot" || type === "nil") return `<${value}>`;
  return [...value].length > 10 ? `${goQuote([...value].slice(0, 10).join(""))}...` : goQuote(value);
}

/** Cuts a template into tokens. The last one is "eof", or an "error" with the reason why it ends there. */
export function lex(input: string): Token[] {
  const tokens: Token[] = [];
  const lineAt = lineCounter(input);
  let position = 0;
  const push = (type: TokenType, start: number, end: number) => {
    tokens.push({ type, value: input.slice(start, end), at: start, line: lineAt(start) });
    position = end;
  };
  const fail = (message: string, at: number) => {
    tokens.push({ type: "error", value: message, at, line: lineAt(at) });
    return tokens;
  };

  while (position < input.length) {
    const open = input.indexOf("{{", position);
    if (open < 0) {
      push("text", position, input.length);
      break;
    }
    const trimsLeft = /^-[ \t\r\n]/.test(input.slice(open + 2, open + 4));
    const text = input.slice(position, open);
    const kept = trimsLeft ? text.replace(/[ \t\r\n]+$/, "") : text;
    if (kept !== "") push("text", position, position + kept.length);
    const inside = open + 2 + (trimsLeft ? 2 : 0);
    if (input.startsWith("/*", inside)) {
      const close = input.indexOf("*/", inside + 2);
      if (close < 0) return fail("unclosed comment", inside);
      const delim = rightDelimAt(input, close + 2);
      if (!delim) return fail("comment ends before closing delimiter", inside);
      position = delim.next;
      continue;
    }
    push("leftDelim", open, open + 2);
    position = inside;
    const problem = lexAction(input, inside, push);
    if (typeof problem === "object") return fail(problem.message, problem.at);
    position = problem;
  }
  tokens.push({ type: "eof", value: "", at: position, line: lineAt(position) });
  return tokens;
}

type Push = (type: TokenType, start: number, end: number) => void;

/** Pushes the tokens up to and with the closing delimiter; the position after it, or what is wrong. */
function lexAction(input: string, start: number, push: Push): number | { message: string; at: number } {
  let at = start;
  let depth = 0;
  for (;;) {
    const delim = rightDelimAt(input, at);
    if (delim) {
      if (depth > 0) return { message: "unclosed left paren", at };
      push("rightDelim", delim.start, delim.start + 2);
      return delim.next;
    }
    if (at >= input.length) return { message: "unclosed action", at };
    const rest = input.slice(at);
    const space = /^[ \t\r\n]+/.exec(rest);
    if (space) {
      // The last space belongs to a trimming delimiter, if one follows.
      const end = at + space[0].length;
      const before = rightDelimAt(input, end - 1) ? end - 1 : end;
      if (before > at) push("space", at, before);
      at = before;
      continue;
    }
    const token = nextToken(rest);
    if ("message" in token) return { message: token.message, at };
    if (token.type === "leftParen") depth++;
    if (token.type === "rightParen" && --depth < 0) return { message: "unexpected right paren", at };
    push(token.type, at, at + token.length);
    at += token.length;
  }
}

const punctuation: Readonly<Record<string, TokenType>> = {
  "=": "assign",
  "|": "pipe",
  "(": "leftParen",
  ")": "rightParen",
};
const number =
  /^[+-]?(?:0[xX][\da-fA-F_]*(?:\.[\da-fA-F_]*)?(?:[pP][+-]?[\d_]*)?|0[oO][0-7_]*(?:\.[0-7_]*)?|0[bB][01_]*(?:\.[01_]*)?|[\d_]*(?:\.[\d_]*)?(?:[eE][+-]?[\d_]*)?)/;
const word = /^[\p{L}\p{Nd}_]+/u;

function nextToken(rest: string): { type: TokenType; length: number } | { message: string } {
  const first = rest[0]!;
  const simple = punctuation[first];
  if (simple) return { type: simple, length: 1 };
  if (first === ":") return rest[1] === "=" ? { type: "declare", length: 2 } : { message: "expected :=" };
  if (first === '"') return quoted(rest, '"', "string", "unterminated quoted string");
  if (first === "'") return quoted(rest, "'", "charConstant", "unterminated character constant");
  if (first === "`") {
    const end = rest.indexOf("`", 1);
    return end < 0 ? { message: "unterminated raw quoted string" } : { type: "rawString", length: end + 1 };
  }
  if (first === "$") return named(rest, "variable");
  // A dot that ends the text is taken for a number.
  if (first === "." && !/^\.(?:\d|$)/.test(rest)) return named(rest, "field");
  if (/[.+\-\d]/.test(first)) {
    const found = number.exec(rest)![0];
    const after = word.exec(rest.slice(found.length));
    if (!after && !(rest[found.length] === "+" || rest[found.length] === "-"))
      return { type: "number", length: found.length };
    return { message: `bad number syntax: ${goQuote(found + (after ? [...after[0]][0] : ""))}` };
  }
  const name = word.exec(rest);
  if (name) return identifier(rest, name[0]);
  if (/[\x20-\x7e]/.test(first)) return { type: "char", length: 1 };
  return { message: `unrecognized character in action: ${describeCharacter(rest)}` };
}

function quoted(
  rest: string,
  quote: string,
  type: TokenType,
  message: string,
): { type: TokenType; length: number } | { message: string } {
  for (let at = 1; at < rest.length && rest[at] !== "\n"; at++) {
    if (rest[at] === "\\") {
      at++;
      if (rest[at] === "\n") break;
    } else if (rest[at] === quote) return { type, length: at + 1 };
  }
  return { message };
}

/** A field or variable: the mark, then perhaps a name. */
function named(rest: string, type: "field" | "variable"): { type: TokenType; length: number } | { message: string } {
  const length = 1 + (isTerminator(rest.slice(1)) ? 0 : (word.exec(rest.slice(1))?.[0].length ?? 0));
  if (!isTerminator(rest.slice(length))) return { message: `bad character ${describeCharacter(rest.slice(length))}` };
  return { type: length === 1 && type === "field" ? "dot" : type, length };
}

function identifier(rest: string, name: string): { type: TokenType; length: number } | { message: string } {
  const { length } = name;
  if (!isTerminator(rest.slice(length))) return { message: `bad character ${describeCharacter(rest.slice(length))}` };
  if (keywords.has(name)) return { type: "keyword", length };
  if (name === "nil") return { type: "nil", length };
  return { type: name === "true" || name === "false" ? "bool" : "identifier", length };
}

function isTerminator(rest: string): boolean {
  return rest === "" || /^[ \t\r\n.,|:()]/.test(rest) || rest.startsWith("}}");
}

function rightDelimAt(input: string, at: number): { start: number; next: number } | undefined {
  if (/^[ \t\r\n]-\}\}/.test(input.slice(at, at + 4))) {
    const next = at + 4;
    return { start: at + 2, next: next + /^[ \t\r\n]*/.exec(input.slice(next))![0].length };
  }
  return input.startsWith("}}", at) ? { start: at, next: at + 2 } : undefined;
}

/** As Go's `%#U`: `U+0040 '@'`. */
function describeCharacter(rest: string): string {
  const code = rest.codePointAt(0);
  if (code === undefined) return "U+FFFFFFFFFFFFFFFF";
  const hex = `U+${code.toString(16).toUpperCase().padStart(4, "0")}`;
  const character = String.fromCodePoint(code);
  return /[\p{L}\p{M}\p{N}\p{P}\p{S} ]/u.test(character) ? `${hex} '${character}'` : hex;
}

/** Tells the line of positions that are asked for in order. */
function lineCounter(input: string): (at: number) => number {
  let line = 1;
  let next = input.indexOf("\n");
  return (at) => {
    while (next >= 0 && next < at) {
      line++;
      next = input.indexOf("\n", next + 1);
    }
    return line;
  };
}
