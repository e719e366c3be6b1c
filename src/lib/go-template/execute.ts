import { goQuote } from "../go-quote.ts";
import { createBlame, type Progress, type Running } from "./blame.ts";
import { createEvaluator, type Variable } from "./evaluate.ts";
import { type Node, show, type Trees } from "./node.ts";
import { isSlice, isTruthy, printed, sortedEntries, type TemplateValue } from "./value.ts";

/** How deep templates may call each other. */
const deepest = 1_000;

/** How often a template may go round for a number. */
const mostRounds = 1_000_000;

/** Fills in the template `name`. Throws TemplateError with the place and the expression that is to blame. */
export function executeTree(name: string, text: string, trees: Trees, data: TemplateValue): string {
  return runTree({ name, parseName: name, text, trees, depth: 0 }, data, { place: undefined });
}

interface Run extends Running {
  readonly trees: Trees;
  readonly depth: number;
}

function runTree(run: Run, data: TemplateValue, progress: Progress): string {
  let output = "";
  const variables: Variable[] = [{ name: "$", value: data }];
  const blame = createBlame(run, progress);
  const { fail } = blame;
  const { evaluatePipeline, setVariable } = createEvaluator(variables, blame);

  const walk = (dot: TemplateValue, nodes: readonly Node[]): "break" | "continue" | undefined => {
    for (const node of nodes) {
      const left = visit(dot, node);
      if (left) return left;
    }
    return undefined;
  };

  const visit = (dot: TemplateValue, node: Node): "break" | "continue" | undefined => {
    switch (node.type) {
      case "text":
        output += node.text;
        return undefined;
      case "action": {
        const value = evaluatePipeline(dot, node.pipeline);
        if (node.pipeline.variables.length === 0) output += printed(value, "<no value>");
        return undefined;
      }
      case "break":
      case "continue":
        return node.type;
      case "template":
        callTemplate(dot, node);
        return undefined;
      case "range":
        return scoped(() => range(dot, node));
      default:
        return scoped(() => {
          const value = evaluatePipeline(dot, node.pipeline);
          if (isTruthy(value)) return walk(node.type === "with" ? value : dot, node.then);
          return node.otherwise && walk(dot, node.otherwise);
        });
    }
  };

  const scoped = <T>(act: () => T): T => {
    const inScope = variables.length;
    const result = act();
    variables.length = inScope;
    return result;
  };

  const range = (
    dot: TemplateValue,
    node: Node & { type: "if" | "range" | "with" },
  ): "break" | "continue" | undefined => {
    const { variables: names, isAssignment } = node.pipeline;
    const value = evaluatePipeline(dot, node.pipeline);
    const base = variables.length;
    const pairs = iterate(value, names.length);
    for (const [key, element] of pairs) {
      const values = names.length > 1 ? [key, element] : [element];
      for (const [position, name] of names.entries()) {
        if (isAssignment) setVariable(name, values[position]);
        else variables[base - names.length + position]!.value = values[position];
      }
      const left = walk(element, node.then);
      variables.length = base;
      if (left === "break") return undefined;
    }
    return pairs.length === 0 && node.otherwise ? walk(dot, node.otherwise) : undefined;
  };

  const iterate = (value: TemplateValue, names: number): readonly (readonly [TemplateValue, TemplateValue])[] => {
    if (value === undefined) return [];
    if (isSlice(value)) return value.map((element, index) => [index, element]);
    if (typeof value === "number") {
      if (names > 1) fail(`can't use ${value} to iterate over more than one variable`);
      if (value > mostRounds) fail(`can't iterate over more than ${mostRounds}`);
      return Array.from({ length: Math.max(0, value) }, (_, index) => [undefined, index]);
    }
    if (typeof value === "object" && value.go === "map") return sortedEntries(value);
    return fail(`range can't iterate over ${printed(value)}`);
  };

  const callTemplate = (dot: TemplateValue, node: Node & { type: "template" }) => {
    progress.place = { at: node.at, shown: () => showTemplate(node) };
    const nodes = run.trees.get(node.name);
    if (!nodes) return fail(`template ${goQuote(node.name)} not defined`);
    if (run.depth >= deepest) return fail(`exceeded maximum template depth (${deepest})`);
    const argument = node.pipeline && evaluatePipeline(dot, node.pipeline);
    output += runTree({ ...run, name: node.name, depth: run.depth + 1 }, argument, progress);
  };

  const nodes = run.trees.get(run.name);
  if (!nodes) return fail(`${goQuote(run.name)} is an incomplete or empty template`);
  walk(data, nodes);
  return output;
}

function showTemplate({ name, pipeline }: Node & { type: "template" }): string {
  return `{{template ${goQuote(name)}${pipeline ? ` ${show(pipeline)}` : ""}}}`;
}
