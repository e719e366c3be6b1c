/**
 * Compares our answers to requests (a line of JSON each, on standard input) with those of another program that speaks
 * the same: upstream's. Counts those that are equal, and those that differ by rows of docs/differences.md and by
 * nothing else (compare/listed.ts knows what exactly each row changes); prints all others.
 *
 *   node test/walked-cases.ts --seed 1 --count 5000 | node test/compare-answers.ts --upstream 'oracle run' --at-least 99.9
 */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { isDeepStrictEqual, parseArgs } from "node:util";
import { rolloutAnnotation } from "../src/apis/networking/labels.ts";
import { type Answer, essenceOf } from "./compare/essence.ts";
import { explain } from "./compare/listed.ts";
import type { Loose } from "./walks/world.ts";

const { values } = parseArgs({
  options: {
    upstream: { type: "string" },
    /** How many of its processes answer at the same time. */
    processes: { type: "string", default: "2" },
    /** A differing case is asked so many times again: chance may have decided. */
    again: { type: "string", default: "20" },
    /** How many cases of each kind of difference are printed. */
    show: { type: "string", default: "3" },
    "at-least": { type: "string", default: "0" },
  },
});
if (!values.upstream) throw new Error("--upstream is missing");

/** A reconciler that was made wrong may wait for ever. */
const patienceMs = 20_000;
/** Reconcilers are made anew for each request, and not all of what they start ends. */
const requestsPerProcess = 400;

interface Program {
  readonly ask: (line: string) => Promise<Answer>;
  readonly end: () => void;
}

/** A program that answers line by line, started again when it is old or gives no answer. */
function program(command: string): Program {
  let child: ReturnType<typeof start> | undefined;
  let asked = 0;
  const end = () => {
    child?.stdin.end();
    child = undefined;
  };
  return {
    end,
    ask: async (line) => {
      if (asked++ % requestsPerProcess === 0) end();
      child ??= start(command);
      const answer = await child.answerTo(line);
      if (answer !== undefined) return JSON.parse(answer) as Answer;
      child.kill();
      child = undefined;
      return { ok: false, panic: "no answer" };
    },
  };
}

function start(command: string) {
  const { stdin, stdout, pid } = spawn(command, { shell: true, stdio: ["pipe", "pipe", "ignore"], detached: true });
  let take: ((line: string | undefined) => void) | undefined;
  createInterface({ input: stdout }).on("line", (line) => take?.(line));
  stdout.on("close", () => take?.(undefined));
  stdin.on("error", () => take?.(undefined));
  const answerTo = (line: string) =>
    new Promise<string | undefined>((resolve) => {
      const timer = setTimeout(() => take?.(undefined), patienceMs);
      take = (answer) => {
        clearTimeout(timer);
        take = undefined;
        resolve(answer);
      };
      stdin.write(`${line}\n`);
    });
  // The whole group: the shell's death alone would leave the program behind.
  return { stdin, answerTo, kill: () => pid !== undefined && process.kill(-pid, "SIGKILL") };
}

/** Upstream moves all that is recorded to the present, but for the times of a rollout. */
function atPresent(request: Loose): string {
  if (request.op !== "reconcile") return JSON.stringify(request);
  const passedMs = Date.now() - Date.parse(request.now);
  return JSON.stringify(request, (key, value) =>
    key === rolloutAnnotation
      ? value.replace(
          /"(starttime|nextStepTime)":(\d+)/g,
          (_: string, name: string, ns: string) => `"${name}":${BigInt(ns) + BigInt(passedMs) * 1_000_000n}`,
        )
      : value,
  );
}

interface Compared {
  readonly request: Loose;
  /** How upstream answered, each time that it was asked; the first is the one that counts. */
  readonly upstream: Loose[];
  readonly ours: Loose;
  readonly verdict: "equal" | "listed" | "varies" | "different" | "panic";
  readonly rows: readonly string[];
}

async function compare(request: Loose, upstream: Program, us: Program): Promise<Compared> {
  const answer = await upstream.ask(atPresent(request));
  const essence = essenceOf(request.op, answer);
  const ours = essenceOf(request.op, await us.ask(JSON.stringify(request)));
  const compared = { request, upstream: [essence], ours, rows: [] };
  if (answer.panic !== undefined) return { ...compared, upstream: [answer], verdict: "panic" };
  if (isDeepStrictEqual(essence, ours)) return { ...compared, verdict: "equal" };
  const explained = explain(essence, request, ours);
  if (isDeepStrictEqual(explained.answer, ours)) return { ...compared, verdict: "listed", rows: explained.rows };
  for (let left = Number(values.again); left > 0; left--) {
    const other = essenceOf(request.op, await upstream.ask(atPresent(request)));
    if (isDeepStrictEqual(other, ours)) return { ...compared, verdict: "varies" };
    if (!compared.upstream.some((known) => isDeepStrictEqual(known, other))) compared.upstream.push(other);
  }
  return { ...compared, verdict: "different" };
}

interface Place {
  readonly path: string;
  readonly upstream: unknown;
  readonly ours: unknown;
}

function placesOf(upstream: Loose, ours: Loose, path = ""): Place[] {
  if (isDeepStrictEqual(upstream, ours)) return [];
  const isBranch = (value: Loose) => typeof value === "object" && value !== null;
  if (!isBranch(upstream) || !isBranch(ours) || Array.isArray(upstream) !== Array.isArray(ours))
    return [{ path, upstream, ours }];
  const names: Set<string> = new Set([...Object.keys(upstream), ...Object.keys(ours)]);
  return [...names].flatMap((name) => placesOf(upstream[name], ours[name], `${path}/${name}`));
}

function kindOf({ op, controller, resource, kind, name }: Loose): string {
  return [op, controller ?? resource ?? kind ?? name].filter(Boolean).join(" ");
}

const compared: Compared[] = [];
const requests = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
await Promise.all(
  Array.from({ length: Number(values.processes) }, async () => {
    const upstream = program(values.upstream!);
    const us = program(`${process.execPath} ${new URL("../src/main/answer.ts", import.meta.url).pathname}`);
    for (;;) {
      const { value: line, done } = await requests.next();
      if (done) break;
      if (line !== "") compared.push(await compare(JSON.parse(line), upstream, us));
    }
    upstream.end();
    us.end();
  }),
);

const groups = Object.groupBy(
  compared.filter(({ verdict }) => verdict === "different"),
  ({ request, upstream, ours }) => {
    const places = placesOf(upstream[0], ours).slice(0, 3);
    return `${kindOf(request)} ${places.map(({ path }) => path).join(" ")}`;
  },
);
for (const [where, cases = []] of Object.entries(groups)) {
  console.log(`${cases.length} differ: ${where}`);
  for (const { request, upstream, ours } of cases.slice(0, Number(values.show))) {
    console.log(`  ${request.id} (upstream gave ${upstream.length} different answers)`);
    for (const place of placesOf(upstream[0], ours).slice(0, 4)) {
      console.log(`    ${place.path}`);
      console.log(`      upstream ${JSON.stringify(place.upstream)?.slice(0, 600)}`);
      console.log(`      ours     ${JSON.stringify(place.ours)?.slice(0, 600)}`);
    }
  }
  const others = cases.slice(Number(values.show)).map(({ request }) => request.id);
  if (others.length > 0) console.log(`  also ${others.slice(0, 20).join(" ")}`);
}

for (const [kind, cases = []] of Object.entries(Object.groupBy(compared, ({ request }) => kindOf(request))).sort()) {
  const counts = Object.entries(Object.groupBy(cases, ({ verdict }) => verdict));
  console.log(`${kind}: ${counts.map(([verdict, of = []]) => `${of.length} ${verdict}`).join(", ")}`);
}
const rows = Object.groupBy(
  compared.flatMap(({ rows, request }) => rows.map((row) => ({ row, id: request.id as string }))),
  ({ row }) => row,
);
for (const [row, of = []] of Object.entries(rows))
  console.log(
    `row ${JSON.stringify(row)}: ${of.length}, as ${of
      .slice(0, 5)
      .map(({ id }) => id)
      .join(" ")}`,
  );

const count = (...verdicts: Compared["verdict"][]) =>
  compared.filter(({ verdict }) => verdicts.includes(verdict)).length;
const all = compared.length - count("panic");
const share = (part: number) => ((100 * part) / all).toFixed(2);
console.log(
  `${all} compared: ${count("equal")} equal (${share(count("equal"))} %), ${count("listed")} but for listed differences, ` +
    `${count("varies")} to another of upstream's own answers: ${share(count("equal", "listed", "varies"))} %; ` +
    `${count("different")} differ. Upstream itself failed at ${count("panic")} more.`,
);
if (Number(share(count("equal", "listed", "varies"))) < Number(values["at-least"])) process.exitCode = 1;
