import type { Blame } from "./blame.ts";
import { callFunction } from "./functions.ts";
import { type Command, type Expression, type Pipeline, show } from "./node.ts";
import { isSlice, isTruthy, type Method, type StructValue, type TemplateValue, typeOf } from "./value.ts";

/** The last argument of a command that a pipe hands over; absent where there is none. */
type Final = readonly [] | readonly [TemplateValue];
const none: Final = [];

/** A variable that was declared; of two with one name the later one counts. */
export interface Variable {
  readonly name: string;
  value: TemplateValue;
}

export interface Evaluator {
  /** The value of a pipeline; its variables take it, and new ones are added to the evaluator's. */
  evaluatePipeline(dot: TemplateValue, pipeline: Pipeline): TemplateValue;
  setVariable(name: string, value: TemplateValue): void;
}

/** Evaluates the pipelines of one run of a template, which shares its variables. */
export function createEvaluator(variables: Variable[], { at, fail, calling }: Blame): Evaluator {
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

  return { evaluatePipeline, setVariable };
}

function hasField(value: StructValue, name: string): boolean {
  return Object.hasOwn(value.fields, name);
}
