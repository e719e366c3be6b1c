import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { isDeepStrictEqual } from "node:util";
import { float, goMap, parseTemplate, stringMap, struct, TemplateError } from "./go-template.ts";

/** What Go makes of a template with `data` (see below): recorded from Go 1.26. */
interface Recorded {
  readonly text: string;
  readonly output?: string;
  readonly parseError?: string;
  readonly executeError?: string;
}

const cases: readonly Recorded[] = readFileSync(new URL("go-template.cases.jsonl", import.meta.url), "utf8")
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));

const header = new Map([["X-A", ["1", "2"]]]);
const data = struct("main.Data", {
  Name: "foo",
  Count: 3,
  Zero: 0,
  Ratio: float(0.5),
  Big: float(1_234_567),
  Yes: true,
  No: false,
  Empty: "",
  List: ["a", "b", "c"],
  None: [],
  Labels: stringMap({ app: "web", "b-c": "d" }),
  Nil: stringMap(undefined),
  Header: goMap("http.Header", header, [], { Get: (name) => header.get(name.toUpperCase())?.[0] ?? "" }),
  Request: struct("*http.Request", { Method: "GET" }, { UserAgent: () => 'agent "x" <y>' }),
  Response: struct("*main.Response", { Code: 200, Size: 12, Latency: float(0.0123) }),
  Inner: struct("struct { A string; B string }", { A: "é\n'\"<&=\u2028", B: "" }),
});

function answer(text: string): Recorded {
  let isParsed = false;
  try {
    const template = parseTemplate("t", text);
    isParsed = true;
    return { text, output: template.execute(data) };
  } catch (error) {
    assert.ok(error instanceof TemplateError, String(error));
    return isParsed ? { text, executeError: error.message } : { text, parseError: error.message };
  }
}

test("templates say what they say in Go, errors included", () => {
  assert.ok(cases.length > 300);
  for (const recorded of cases) assert.deepEqual(answer(recorded.text), recorded);
});

test("templates of the same text are equal, so that a configuration can be compared with its successor", () => {
  assert.ok(isDeepStrictEqual(parseTemplate("t", "{{.Name}}"), parseTemplate("t", "{{.Name}}")));
  assert.ok(!isDeepStrictEqual(parseTemplate("t", "{{.Name}}"), parseTemplate("t", "{{.Zero}}")));
});

test("a template reaches nothing but its data", () => {
  for (const name of ["constructor", "__proto__", "toString", "hasOwnProperty"]) {
    assert.match(answer(`{{.${name}}}`).executeError ?? "", /can't evaluate field/);
    assert.equal(answer(`{{.Labels.${name}}}`).output, "<no value>");
    assert.match(answer(`{{${name}}}`).parseError ?? "", /not defined/);
    assert.match(answer(`{{.Request.${name}}}`).executeError ?? "", /can't evaluate field/);
  }
});

test("templates that call themselves, or count for ever, are stopped", () => {
  const endless = '{{define "r"}}{{template "r" .}}{{end}}{{template "r"}}';
  assert.match(answer(endless).executeError ?? "", /exceeded maximum template depth \(1000\)$/);
  assert.match(answer("{{range 2000000}}{{end}}").executeError ?? "", /can't iterate over more than 1000000$/);
});
