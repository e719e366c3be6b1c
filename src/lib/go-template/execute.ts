import { messageOf } from "../error-message.ts";
import { goQuote } from "../go-quote.ts";
import { TemplateError } from "./error.ts";
import { callFunction } from "./functions.ts";
import { type Command, type Expression, type Node, type Pipeline, show, type Trees } from "./node.ts";
import {
  isSlice,
  isTruthy,
  type Method,
  printed,
  type StructValue,
  sortedEntries,
  type TemplateValue,
  typeOf,
} from "./value.ts";

/** How deep templates may call each other. */
const deepest = 1_000;

/** How often a template may go round for a number. */
const mostRounds = 1_000_000;

/** The last argument of a command that a pipe hands over; absent where there is none. */
type Final = readonly [] | readonly [TemplateValue];
const none: Final = [];

/** Fills in the template `name`. Throws TemplateError with the place and the expression that is to blame. */
export function executeTree(name: string, text: string, trees: Trees, data: TemplateValue): string {
  return runTree({ name, parseName: name, text, trees, depth: 0 }, data, { place: undefined });
}

interface Run {
  /** The template that runs. */
  readonly name: string;
  /** The one whose text it is in. */
  readonly parseName: string;
  readonly text: string;
  readonly trees: Trees;
  readonly depth: number;
}

/** What is being evaluated, for messages. */
interface Progress {
  place: { readonly at: number; readonly shown: () => string } | undefined;
}

function runTree(run: Run, data: TemplateValue, progress: Progress): string {
  let output = "";
  const variables: { name: string; value: TemplateValue }[] = [{ name: "$", value: data }];

  const fail = (message: string): never => {
    if (!progress.place) throw new TemplateError(`template: ${run.name}: ${message}`);
    const { at, shown } = progress.place;
    const before = run.text.slice(0, at);
    const line = before.split("\n").length;
    const column = Buffer.byteLength(before.slice(before.lastIndexOf("\n") + 1));
    throw new TemplateError(
      `template: ${run.parseName}:${line}:${column}: executing ${goQuote(run.name)} at <${shown()}>: ${message}`,
    );
  };
  const at = (node: Expression | Command) => {
    progress.place = { at: node.at, shown: () => show(node) };
  };
  /** Runs what throws plain messages, such as a function of the data. */
  const calling = (name: string, node: Expression | Command, call: () => TemplateValue): TemplateValue => {
    try {
      return call();
    } catch (error) {
      at(node);
      return fail(`error calling ${name}: ${messageOf(error)}`);
    }
  };

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

  const find = (name: string) =>
    variables.findLast((known) => known.name === name) ?? fail(`undefined variable: ${name}`);

  const setVariable = (name: string, value: TemplateValue) => {
    find(name).value = value;
  };

  const evaluatePipeline = (dot: TemplateValue, pipeline: Pipeline): TemplateValue => {
    at(pipeline);
    let value: TemplateValue;
    let final: Final = none;
    for (const command of pipeline.commands) {
      value = evaluateCommand(dot, command, final);
      final = [value];
    }
    for (const name of pipeline.variables) {
      if (pipeline.isAssignment) setVariable(name, value);
      else variables.push({ name, value });
    }
    return value;
  };

  const evaluateCommand = (dot: TemplateValue, command: Command, final: Final): TemplateValue => {
    const [first, ...rest] = command.words as [Expression, ...Expression[]];
    const isFunction = first.type === "function" || first.type === "field" || first.type === "chain";
    if (isFunction || (first.type === "variable" && first.names.length > 0)) {
      return evaluate(dot, first, rest, final, command);
    }
    if (first.type !== "pipeline") at(first);
    if (rest.length > 0 || final.length > 0) fail(`can't give argument to non-function ${show(first)}`);
    if (first.type === "nil") fail("nil is not a command");
    return evaluate(dot, first, [], none, command);
  };

  const evaluate = (
    dot: TemplateValue,
    node: Expression,
    args: readonly Expression[],
    final: Final,
    command: Expression | Command,
  ): TemplateValue => {
    if (node.type !== "pipeline") at(node);
    switch (node.type) {
      case "dot":
        return dot;
      case "nil":
        return undefined;
      case "constant":
        return node.value;
      case "pipeline":
        return evaluatePipeline(dot, node);
      case "field":
        return fieldChain(dot, dot, node, node.names, args, final);
      case "variable": {
        const { value } = find(node.name);
        return node.names.length === 0 ? value : fieldChain(dot, value, node, node.names, args, final);
      }
      case "chain": {
        if (node.of.type === "nil") fail(`indirection through explicit nil in ${show(node)}`);
        return fieldChain(dot, evaluate(dot, node.of, [], none, node.of), node, node.names, args, final);
      }
      case "function": {
        const { name } = node;
        if (name === "and" || name === "or") return shortCircuit(dot, name, args, final);
        const argument = (word: Expression) => evaluate(dot, word, [], none, word);
        const call = callFunction(name, args.length, final.length, fail);
        const values = [...args.map(argument), ...final];
        return calling(name, command, () => call(values));
      }
    }
  };

  const shortCircuit = (
    dot: TemplateValue,
    name: "and" | "or",
    args: readonly Expression[],
    final: Final,
  ): TemplateValue => {
    if (args.length + final.length < 1) fail(`wrong number of args for ${name}: want at least 1 got 0`);
    let value: TemplateValue;
    for (const word of args) {
      value = evaluate(dot, word, [], none, word);
      if (isTruthy(value) === (name === "or")) return value;
    }
    return final.length > 0 ? final[0] : value;
  };

  const fieldChain = (
    dot: TemplateValue,
    start: TemplateValue,
    node: Expression,
    names: readonly string[],
    args: readonly Expression[],
    final: Final,
  ): TemplateValue => {
    let value = start;
    for (const [index, name] of names.entries()) {
      const isLast = index === names.length - 1;
      value = field(dot, value, node, name, isLast ? args : [], isLast ? final : none);
    }
    return value;
  };

  const field = (
    dot: TemplateValue,
    receiver: TemplateValue,
    node: Expression,
    name: string,
    args: readonly Expression[],
    final: Final,
  ): TemplateValue => {
    if (receiver === undefined) return undefined;
    if (typeof receiver === "object" && !isSlice(receiver) && receiver.go !== "float") {
      const { methods } = receiver;
      if (Object.hasOwn(methods, name)) return callMethod(dot, node, name, methods[name]!, args, final);
      const hasArguments = args.length > 0 || final.length > 0;
      if (receiver.go === "map") {
        if (hasArguments) fail(`${name} is not a method but has arguments`);
        return receiver.entries.get(name);
      }
      if (hasField(receiver, name)) {
        if (hasArguments) fail(`${name} has arguments but cannot be invoked as function`);
        return receiver.fields[name];
      }
    }
    return fail(`can't evaluate field ${name} in type ${typeOf(receiver)}`);
  };

  const callMethod = (
    dot: TemplateValue,
    node: Expression,
    name: string,
    method: Method,
    args: readonly Expression[],
    final: Final,
  ): TemplateValue => {
    const given = args.length + final.length;
    if (given !== method.length) fail(`wrong number of args for ${name}: want ${method.length} got ${given}`);
    const texts = [
      ...args.map((word) => [word, evaluate(dot, word, [], none, word)] as const),
      ...final.map((value) => [undefined, value] as const),
    ].map(([word, value]) => {
      if (typeof value === "string") return value;
      if (word?.type === "constant") return fail(`expected string; found ${show(word)}`);
      if (word?.type === "nil") return fail("cannot assign nil to string");
      if (value === undefined) return fail("invalid value; expected string");
      return fail(`wrong type for value; expected string; got ${typeOf(value)}`);
    });
    return calling(name, node, () => method(...texts));
  };

  const nodes = run.trees.get(run.name);
  if (!nodes) return fail(`${goQuote(run.name)} is an incomplete or empty template`);
  walk(data, nodes);
  return output;
}

function hasField(value: StructValue, name: string): boolean {
  return Object.hasOwn(value.fields, name);
}

function showTemplate({ name, pipeline }: Node & { type: "template" }): string {
  return `{{template ${goQuote(name)}${pipeline ? ` ${show(pipeline)}` : ""}}}`;
}
