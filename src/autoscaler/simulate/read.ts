import { isNode, LineCounter, parseDocument } from "yaml";
import { complaint, duration, loadPoint, type Place, series, show, wholeAmount } from "./fields.ts";
import { readCsv } from "./read-csv.ts";
import {
  defaultEnd,
  longestMs,
  mostPoints,
  mostSettings,
  type Recording,
  RecordingError,
  recordingOf,
  type Setting,
} from "./recording.ts";
import { checkSetting } from "./setting.ts";

const longestFile = 32 * 1024 * 1024;
const fields = ["load", "settings", "base", "until", "interpolation", "request-time", "pods"];

/**
 * Reads a load series: CSV by its file's name, else YAML or JSON (`load` and what to try), or the answer of the
 * autoscaler's `/decisions/NAMESPACE/NAME`. Throws RecordingError, with line and field.
 */
export function readRecording(text: string, file: string): Recording {
  if (text.length > longestFile) throw new RecordingError(`${file}: is larger than 32 MB`);
  if (text.trim() === "") throw new RecordingError(`${file}: is empty`);
  if (file.endsWith(".csv")) return readCsv(text, file);
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const [syntax] = document.errors;
  if (syntax) throw new RecordingError(`${file}:${lines.linePos(syntax.pos[0]).line}: ${syntax.message}`);
  const root: unknown = document.toJS({ maxAliasCount: 100 });

  const at = (...path: (string | number)[]): Place => {
    const value = path.reduce<unknown>((inside, key) => (inside as Record<string, unknown> | undefined)?.[key], root);
    const node = document.getIn(path, true);
    const offset = isNode(node) ? node.range?.[0] : undefined;
    const where = offset === undefined ? file : `${file}:${lines.linePos(offset).line}`;
    return { value, complain: complaint(where, pathText(path)) };
  };
  const entries = (place: Place, known?: readonly string[]): Record<string, unknown> => {
    const { value } = place;
    if (typeof value !== "object" || value === null || Array.isArray(value)) {
      return place.complain(`${show(value)} is not a map of names and values`);
    }
    const unknown = known && Object.keys(value).find((key) => !known.includes(key));
    if (unknown) place.complain(`unknown field ${show(unknown)}; there are ${known.join(", ")}`);
    return value as Record<string, unknown>;
  };

  const top = entries(at());
  if ("decisions" in top) return readDecisions(at);
  entries(at(), fields);

  const load = at("load");
  if (!Array.isArray(load.value) || load.value.length === 0) {
    return load.complain("must be a list of points, each with time, and concurrency or rps");
  }
  if (load.value.length > mostPoints) load.complain(`has more than ${mostPoints} points`);
  const points = series(
    load.value.map((_, index) => {
      const place = at("load", index);
      entries(place, ["time", "concurrency", "rps"]);
      const field = (name: string) => at("load", index, name);
      const point = loadPoint({ time: field("time"), concurrency: field("concurrency"), rps: field("rps") }, place);
      return { point, place };
    }),
  );

  const valuesAt = (place: Place, ...path: (string | number)[]) =>
    Object.fromEntries(
      Object.keys(entries(place))
        .filter((key) => key !== "name")
        .map((key) => {
          const { value, complain } = at(...path, key);
          if (typeof value !== "string" && typeof value !== "number") complain(`${show(value)} is not a single value`);
          return [key, String(value)];
        }),
    );
  const base = "base" in top ? valuesAt(at("base"), "base") : {};
  const problemOfBase = checkSetting(base);
  if (problemOfBase) at("base", problemOfBase.key).complain(problemOfBase.message);
  const list = "settings" in top ? at("settings") : undefined;
  if (list && !Array.isArray(list.value)) list.complain("must be a list of settings to try");
  const count = ((list?.value as unknown[] | undefined) ?? []).length;
  if (list && count > mostSettings) list.complain(`has more than ${mostSettings} settings`);
  const settings = Array.from({ length: count }, (_, index): Setting => {
    const values = valuesAt(at("settings", index), "settings", index);
    const problem = checkSetting({ ...base, ...values });
    if (problem) at("settings", index, problem.key).complain(problem.message);
    const name = at("settings", index, "name").value;
    return { name: name === undefined ? describeValues(values) : String(name), values };
  });

  const untilMs = "until" in top ? duration(at("until")) : defaultEnd(points);
  if (untilMs < 2000 || untilMs > longestMs + 60_000) at("until").complain("must be from 2s to 7 days");
  const { value: interpolation = "step", complain } = at("interpolation");
  if (interpolation !== "step" && interpolation !== "linear") complain(`${show(interpolation)} is not step or linear`);
  return {
    points,
    interpolation: interpolation as "step" | "linear",
    untilMs,
    requestTimeMs: "request-time" in top ? duration(at("request-time")) : undefined,
    startPods: "pods" in top ? wholeAmount(at("pods")) : undefined,
    base,
    settings,
    recorded: [],
  };
}

/** A name for a setting that has none: what it changes. */
export function describeValues(values: Readonly<Record<string, string>>): string {
  return (
    Object.entries(values)
      .map(([key, value]) => `${key}=${value}`)
      .join(" ") || "default"
  );
}

/** What an autoscaler saw (its short window is nearest to the load of the moment) and what it decided. */
function readDecisions(at: (...path: (string | number)[]) => Place): Recording {
  const list = at("decisions");
  if (!Array.isArray(list.value) || list.value.length === 0) {
    return list.complain("holds no decision: ask again once the revision has had load");
  }
  if (list.value.length > mostPoints) list.complain(`has more than ${mostPoints} decisions`);
  const metric = at("decisions", 0, "metric").value === "rps" ? "rps" : "concurrency";
  const paths = list.value.map((_, index) => ["decisions", index]);
  const decisions = (at("latest").value === undefined ? paths : [...paths, ["latest"]])
    .map((path) => readDecision((...names) => at(...path, ...names), metric))
    .sort((a, b) => a.point.atMs - b.point.atMs)
    .filter(({ point }, index, all) => point.atMs !== all[index + 1]?.point.atMs);
  const points = series(decisions);
  return recordingOf(
    points,
    decisions.map(({ decision }, index) => ({ ...decision, atMs: points[index]!.atMs })),
  );
}

function readDecision(at: (...path: string[]) => Place, metric: "concurrency" | "rps") {
  const decision = at();
  const none: Place = { value: undefined, complain: decision.complain };
  const load = at("observed", "panic");
  const fields = {
    time: at("at"),
    concurrency: metric === "concurrency" ? load : none,
    rps: metric === "rps" ? load : none,
  };
  return {
    point: loadPoint(fields, decision),
    place: fields.time,
    decision: { desiredPods: wholeAmount(at("to")), readyPods: wholeAmount(at("observed", "readyPods")) },
  };
}

function pathText(path: readonly (string | number)[]): string {
  return path.map((key, index) => (typeof key === "number" ? `[${key}]` : `${index > 0 ? "." : ""}${key}`)).join("");
}
