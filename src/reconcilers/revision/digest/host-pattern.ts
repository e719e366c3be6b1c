/**
 * Whether a host name, with its port, is one that a pattern means: labels are compared one by one, and `*`, `?`, `[a-z]` and
 * `[^a-z]` stand for (parts of) one label; ports must be equal. Patterns come from users: the time is bounded by the product
 * of the lengths. Source: kubelet, pkg/credentialprovider/keyring.go.
 */
export function hostMatches(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  const [patternName, patternPort] = splitPort(pattern);
  const [name, port] = splitPort(host);
  if (patternPort !== port) return false;
  const patternLabels = patternName.split(".");
  const labels = name.split(".");
  return (
    patternLabels.length === labels.length && patternLabels.every((label, index) => labelMatches(label, labels[index]!))
  );
}

function splitPort(host: string): [name: string, port: string] {
  const match = /^(.*?)(?::(\d+))?$/.exec(host);
  return [match?.[1] ?? host, match?.[2] ?? ""];
}

function labelMatches(pattern: string, label: string): boolean {
  let at = 0;
  let star = -1;
  let starTook = 0;
  for (let index = 0; index < label.length; ) {
    if (pattern[at] === "*") {
      star = at++;
      starTook = index;
      continue;
    }
    const next = afterOne(pattern, at, label[index]!);
    if (next !== undefined) {
      at = next;
      index++;
    } else if (star >= 0) {
      // Only the last star has to take more: what it leaves can do all that an earlier one could.
      at = star + 1;
      index = ++starTook;
    } else {
      return false;
    }
  }
  while (pattern[at] === "*") at++;
  return at === pattern.length;
}

/** Where the pattern goes on when its part at `at` stands for this character; undefined when it does not. */
function afterOne(pattern: string, at: number, character: string): number | undefined {
  const part = pattern[at];
  if (part === "?") return at + 1;
  if (part !== "[") return part === character ? at + 1 : undefined;
  const end = pattern.indexOf("]", at + 1);
  if (end < 0) return undefined;
  const isNegated = pattern[at + 1] === "^";
  const set = pattern.slice(at + (isNegated ? 2 : 1), end);
  const ranges = set.match(/.-.|./gs) ?? [];
  const isIn = ranges.some((range) => range[0]! <= character && character <= range.at(-1)!);
  return isIn !== isNegated ? end + 1 : undefined;
}
