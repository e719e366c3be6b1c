import { messageOf } from "../lib/error-message.ts";
/** A ConfigMap holds a value that cannot be used. `message` is what Knative says about it. */
export class ConfigError extends Error {
  /** The ConfigMap's name. */
  readonly map: string;
  /** The offending key; absent where several keys contradict each other. */
  readonly key: string | undefined;
  /** The offending value. */
  readonly value: string | undefined;
  /** What the key takes, in words. */
  readonly allowed: string | undefined;

  constructor(map: string, problem: Problem, value?: string) {
    super(problem.message, { cause: problem.cause });
    this.name = "ConfigError";
    this.map = map;
    this.key = problem.key;
    this.value = value;
    this.allowed = problem.allowed;
  }
}

/** What an Event tells about a ConfigMap that cannot be used: what is wrong, what would be right, what happens now. */
export function describeConfigError(error: unknown): string {
  const { key, allowed } = error instanceof ConfigError ? error : {};
  const hint = key && allowed ? ` ("${key}" takes ${allowed})` : "";
  return `${messageOf(error)}${hint}; the last good settings of this ConfigMap stay in force`;
}

/** What is wrong with a key, before it is known in which ConfigMap. */
export class Problem extends Error {
  readonly key: string | undefined;
  readonly allowed: string | undefined;

  constructor(message: string, key?: string, options: ErrorOptions & { allowed?: string | undefined } = {}) {
    super(message, options);
    this.key = key;
    this.allowed = options.allowed;
  }
}
