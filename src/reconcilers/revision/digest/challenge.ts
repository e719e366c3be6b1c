/** How a registry wants to be spoken to, from its `WWW-Authenticate` header. */
export interface Challenge {
  /** Lower case: "basic", "bearer", … */
  readonly scheme: string;
  readonly parameters: Readonly<Record<string, string>>;
}

/** Parses a `WWW-Authenticate` header, which may hold several challenges (RFC 9110, 11.6.1). */
export function parseChallenges(header: string): Challenge[] {
  const challenges: { scheme: string; parameters: Record<string, string> }[] = [];
  const token = /\s*,?\s*([\w!#$%&'*+.^`|~-]+)(?:\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+)))?/y;
  for (let match = token.exec(header); match; match = token.exec(header)) {
    const [, name = "", quoted, bare] = match;
    const value = quoted === undefined ? bare : quoted.replace(/\\(.)/g, "$1");
    const current = challenges.at(-1);
    if (value === undefined) challenges.push({ scheme: name.toLowerCase(), parameters: {} });
    else if (current) current.parameters[name.toLowerCase()] = value;
  }
  return challenges;
}

/** The first challenge that can be answered (Bearer or Basic), else the first of all. */
export function chooseChallenge(challenges: readonly Challenge[]): Challenge | undefined {
  return challenges.find(({ scheme }) => scheme === "bearer" || scheme === "basic") ?? challenges[0];
}
