import { NumberError, parseGoFloat } from "../go-number.ts";
import { TemplateError } from "./error.ts";
import { float, type TemplateValue } from "./value.ts";

const simpleEscapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  f: 12,
  n: 10,
  r: 13,
  t: 9,
  v: 11,
  "\\": 92,
  '"': 34,
};
const escapeSequence = /\\(?:([abfnrtv\\"])|x([\da-fA-F]{2})|([0-7]{3})|u([\da-fA-F]{4})|U([\da-fA-F]{8}))/y;

/** What a quoted string literal says. Throws TemplateError. Source: Go strconv.Unquote. */
export function unquote(literal: string): string {
  const body = literal.slice(1, -1);
  if (literal.startsWith("`")) return body.replaceAll("\r", "");
  if (!body.includes("\\")) return body;
  const parts: Buffer[] = [];
  for (let at = 0; at < body.length; ) {
    const backslash = body.indexOf("\\", at);
    if (backslash < 0) {
      parts.push(Buffer.from(body.slice(at)));
      break;
    }
    parts.push(Buffer.from(body.slice(at, backslash)));
    escapeSequence.lastIndex = backslash;
    const found = escapeSequence.exec(body);
    if (!found) throw new TemplateError("invalid syntax");
    const [whole, simple, hex, octal, short, long] = found;
    const byte = simple
      ? simpleEscapes[simple]!
      : hex
        ? Number.parseInt(hex, 16)
        : octal
          ? Number.parseInt(octal, 8)
          : -1;
    const code = byte >= 0 ? byte : Number.parseInt((short ?? long)!, 16);
    const isSurrogate = code >= 0xd800 && code < 0xe000;
    if ((octal && byte > 255) || (byte < 0 && (code > 0x10ffff || isSurrogate)))
      throw new TemplateError("invalid syntax");
    parts.push(byte >= 0 ? Buffer.of(byte) : Buffer.from(String.fromCodePoint(code)));
    at = backslash + whole.length;
  }
  return Buffer.concat(parts).toString();
}

/** The value of a number or character literal. Throws TemplateError. Source: Go text/template/parse. */
export function parseNumber(text: string): TemplateValue {
  if (text.startsWith("'")) return characterCode(text);
  const integer = parseInteger(text);
  if (integer !== undefined) {
    if (integer >= 1n << 63n || integer < -(1n << 63n)) throw new TemplateError(`integer overflow: "${text}"`);
    return Number(integer);
  }
  try {
    const value = parseGoFloat(text);
    if (!/[.eEpP]/.test(text)) throw new TemplateError(`integer overflow: "${text}"`);
    return float(value);
  } catch (error) {
    if (error instanceof NumberError) throw new TemplateError(`illegal number syntax: "${text}"`, { cause: error });
    throw error;
  }
}

/** An integer as Go's base-0 parsers take it. */
function parseInteger(text: string): bigint | undefined {
  const [, sign, digits] = /^([+-]?)(.*)$/.exec(text)! as unknown as [string, string, string];
  const plain = /^0[xX](?:_?[\da-fA-F])+$|^0[oO](?:_?[0-7])+$|^0[bB](?:_?[01])+$|^0(?:_?[0-7])*$|^[1-9](?:_?\d)*$/.test(
    digits,
  );
  if (!plain) return undefined;
  const bare = digits.replaceAll("_", "");
  const value = BigInt(/^0[0-7]+$/.test(bare) ? `0o${bare.slice(1)}` : bare.toLowerCase());
  return sign === "-" ? -value : value;
}

function characterCode(literal: string): number {
  const body = literal.slice(1, -1);
  // What is an escape in a string is none here, and the other way round.
  if (body === '\\"') throw new TemplateError("invalid syntax");
  const text = body === "\\'" ? "'" : body === '"' ? body : unquote(`"${body}"`);
  if ([...text].length !== 1) throw new TemplateError(`malformed character constant: ${literal}`);
  return text.codePointAt(0)!;
}
