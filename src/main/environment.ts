type Environment = Readonly<Record<string, string | undefined>>;

/** A port from the environment, or what it is without. Throws on anything else. */
export function portFrom(variable: string, otherwise: number, environment: Environment = process.env): number {
  const text = environment[variable];
  if (!text) return otherwise;
  const port = Number(text);
  if (Number.isInteger(port) && port >= 0 && port < 65_536) return port;
  throw new Error(`${variable}=${text} is not a port: a number from 0 to 65535 is needed`);
}

/** A variable that `hakn up` sets for its programs. Where it is not there the program ends, and says why. */
export function fromSupervisor(variable: string): string {
  const value = process.env[variable];
  if (value) return value;
  process.stderr.write(`${variable} is not set: this program is started by \`hakn up\`\n`);
  process.exit(2);
}

/** The oldest version of TLS that is taken, from the environment, or what it is without. Throws on anything else. */
export function tlsMinVersionFrom(
  variable: string,
  otherwise: "TLSv1.2" | "TLSv1.3",
  environment: Environment = process.env,
): "TLSv1.2" | "TLSv1.3" {
  const text = environment[variable];
  if (!text) return otherwise;
  if (text === "1.2" || text === "1.3") return `TLSv${text}`;
  throw new Error(`${variable}=${text} is not a version of TLS that is known: 1.2 or 1.3 is needed`);
}
