import { InvalidArgumentError } from "commander";

/** A port's number; 0 is any that is free. */
export function portNumber(text: string): number {
  const port = wholeNumber(text);
  if (port === undefined || port > 65_535) throw new InvalidArgumentError("a port is a number from 0 to 65535.");
  return port;
}

export function lineCount(text: string): number {
  const lines = wholeNumber(text);
  if (lines === undefined) throw new InvalidArgumentError("a number of lines.");
  return lines;
}

export function seconds(text: string): number {
  const value = Number(text);
  if (!(value > 0)) throw new InvalidArgumentError("a number of seconds above zero.");
  return value;
}

/** An option that may be given several times: all its values. */
export function repeated(value: string, previous: readonly string[] = []): string[] {
  return [...previous, value];
}

/** NAME=VALUE, several times. */
export function variables(text: string, previous: Readonly<Record<string, string>> = {}): Record<string, string> {
  const equals = text.indexOf("=");
  if (equals < 1) throw new InvalidArgumentError("write NAME=VALUE.");
  return { ...previous, [text.slice(0, equals)]: text.slice(equals + 1) };
}

/** Nothing is no number: a shell makes it of a variable that is not set. */
function wholeNumber(text: string): number | undefined {
  return /^\d+$/.test(text) ? Number(text) : undefined;
}
