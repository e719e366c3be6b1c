/** What became of one test, from the output of a Go test binary. */
export interface Result {
  readonly test: string;
  readonly outcome: "pass" | "fail" | "skip" | "unfinished";
  readonly seconds: number;
}

/** The results of these tests in the output of `-test.v`; one that never ended is unfinished. */
export function parseResults(output: string, tests: readonly string[]): Result[] {
  const found = new Map<string, Result>();
  for (const [, outcome, test, seconds] of output.matchAll(/^\s*--- (PASS|FAIL|SKIP): (\S+) \(([\d.]+)s\)$/gm)) {
    found.set(test!, { test: test!, outcome: outcome!.toLowerCase() as Result["outcome"], seconds: Number(seconds) });
  }
  return tests.map((test) => found.get(test) ?? { test, outcome: "unfinished", seconds: 0 });
}
