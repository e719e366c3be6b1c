const classes: Readonly<Record<string, string>> = {
  alnum: "0-9A-Za-z",
  alpha: "A-Za-z",
  blank: "\\t ",
  digit: "0-9",
  lower: "a-z",
  upper: "A-Z",
  punct: "!-\\/:-@\\[-`{-~",
  space: "\\t\\n\\v\\f\\r ",
  word: "0-9A-Za-z_",
  xdigit: "0-9A-Fa-f",
};

/**
 * A regular expression that is written for Go (RE2), as schemas have them: leading flags such as `(?i)`, `\A`, `\z`,
 * `[[:alpha:]]`, `(?P<name>...)`. Undefined where JavaScript cannot express it.
 */
export function goPattern(source: string): RegExp | undefined {
  const [, flags = "", body = ""] = /^(?:\(\?([ims]+)\))?([\s\S]*)$/.exec(source) ?? [];
  const translated = body
    .replaceAll(/\[:(\w+):\]/g, (whole, name: string) => (Object.hasOwn(classes, name) ? classes[name]! : whole))
    .replaceAll("(?P<", "(?<")
    .replaceAll(/\\([Az])/g, (_, letter) => (letter === "A" ? "^" : "$"))
    .replaceAll(/\\p([LMNPSZC])/g, "\\p{$1}");
  for (const unicode of ["u", ""]) {
    try {
      return new RegExp(translated, flags + unicode);
    } catch (error) {
      // Without "u", JavaScript lets through escapes that Go allows and it does not need.
      if (!(error instanceof SyntaxError)) throw error;
    }
  }
  return undefined;
}
