/**
 * Parses a .dockerignore: returns whether a path (relative, with "/") is left out. A later line wins; "!" takes back.
 * What is below an excluded directory is excluded with it. Source: github.com/moby/patternmatcher.
 */
export function parseIgnoreFile(text: string): (path: string) => boolean {
  const rules = text
    .split(/\r?\n/)
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"))
    .map((line) => {
      const negated = line.startsWith("!");
      const pattern = (negated ? line.slice(1) : line).replace(/^\.?\/+/, "").replace(/\/+$/, "");
      return { negated, matches: patternToRegExp(pattern) };
    });
  return (path) => {
    const parts = path.split("/");
    const prefixes = parts.map((_, index) => parts.slice(0, index + 1).join("/"));
    let ignored = false;
    for (const { negated, matches } of rules) if (prefixes.some((prefix) => matches.test(prefix))) ignored = !negated;
    return ignored;
  };
}

function patternToRegExp(pattern: string): RegExp {
  let source = "";
  for (let at = 0; at < pattern.length; at++) {
    const character = pattern[at]!;
    if (character === "*" && pattern[at + 1] === "*") {
      at += pattern[at + 2] === "/" ? 2 : 1;
      source += pattern[at] === "/" ? "(?:.*/)?" : ".*";
    } else if (character === "*") source += "[^/]*";
    else if (character === "?") source += "[^/]";
    else if (character === "[" && pattern.indexOf("]", at) > at + 1) {
      const end = pattern.indexOf("]", at);
      source += pattern.slice(at, end + 1);
      at = end;
    } else if (character === "\\" && at + 1 < pattern.length) source += literal(pattern[++at]!);
    else source += literal(character);
  }
  return new RegExp(`^${source}$`);
}

function literal(character: string): string {
  return character.replace(/[.*+?^${}()|[\]\\/]/g, "\\$&");
}
