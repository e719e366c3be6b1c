import { goQuote } from "../go-quote.ts";
import { functionNames } from "./functions.ts";
import type { Token } from "./lex.ts";
import { parseNumber, unquote } from "./literal.ts";
import type { Command, Expression, Pipeline } from "./node.ts";
import { show } from "./node.ts";
import type { TokenReader } from "./token-reader.ts";

/** How deep parentheses may be nested. */
const deepest = 10_000;

/** The variables in sight, in the order in which they were declared. */
export interface Scope {
  variables: string[];
}

/** Reads a pipeline up to the token `end`, and declares its variables in the scope. */
export type ParsePipeline = (context: string, end: Token["type"]) => Pipeline;

export function createPipelineParser(tokens: TokenReader, scope: Scope): ParsePipeline {
  const { fail, goBack, literally, next, nextNonSpace, peek, peekNonSpace, position, skipSpace, unexpected, unread } =
    tokens;
  let parentheses = 0;

  const pipeline: ParsePipeline = (context, end) => {
    const { at } = peekNonSpace();
    const declared: string[] = [];
    let isAssignment = false;
    while (peekNonSpace().type === "variable") {
      const start = position();
      const variable = next();
      const following = peekNonSpace();
      if (following.type === "assign" || following.type === "declare") {
        isAssignment = following.type === "assign";
        next();
        declared.push(variable.value);
        scope.variables.push(variable.value);
        break;
      }
      if (following.type !== "char" || following.value !== ",") {
        goBack(start);
        break;
      }
      next();
      declared.push(variable.value);
      scope.variables.push(variable.value);
      if (context !== "range" || declared.length > 1) fail(`too many declarations in ${context}`);
      const { type } = peekNonSpace();
      if (type !== "variable" && type !== "rightDelim" && type !== "rightParen")
        fail("range can only initialize variables");
    }
    const commands: Command[] = [];
    for (;;) {
      const token = nextNonSpace();
      if (token.type === end) break;
      if (!startsOperand(token)) unexpected(token, context);
      unread();
      commands.push(command());
    }
    if (commands.length === 0) fail(`missing value for ${context}`);
    for (const [stage, { words }] of commands.entries()) {
      const first = words[0]!.type;
      if (stage > 0 && (first === "constant" || first === "dot" || first === "nil")) {
        fail(`non executable command in pipeline stage ${stage + 1}`);
      }
    }
    return { type: "pipeline", at, variables: declared, isAssignment, commands };
  };

  const command = (): Command => {
    const { at } = peekNonSpace();
    const words: Expression[] = [];
    for (;;) {
      skipSpace();
      const word = operand();
      if (word) words.push(word);
      const token = next();
      if (token.type === "space") continue;
      if (token.type === "rightDelim" || token.type === "rightParen") unread();
      else if (token.type !== "pipe") unexpected(token, "operand");
      break;
    }
    if (words.length === 0) fail("empty command");
    return { at, words };
  };

  const operand = (): Expression | undefined => {
    const node = term();
    if (!node || peek().type !== "field") return node;
    const { at } = peek();
    const names: string[] = [];
    while (peek().type === "field") names.push(next().value.slice(1));
    if (node.type === "field" || node.type === "variable") return { ...node, at, names: [...node.names, ...names] };
    if (node.type === "constant" || node.type === "nil" || node.type === "dot") {
      fail(`unexpected . after term ${goQuote(show(node))}`);
    }
    return { type: "chain", at, of: node, names };
  };

  const term = (): Expression | undefined => {
    const { type, value, at } = nextNonSpace();
    switch (type) {
      case "identifier":
        if (!functionNames.has(value)) fail(`function ${goQuote(value)} not defined`);
        return { type: "function", at, name: value };
      case "dot":
      case "nil":
        return { type, at };
      case "variable":
        if (!scope.variables.includes(value)) fail(`undefined variable ${goQuote(value)}`);
        return { type, at, name: value, names: [] };
      case "field":
        return { type, at, names: [value.slice(1)] };
      case "bool":
        return { type: "constant", at, value: value === "true", text: value };
      case "number":
      case "charConstant":
        return { type: "constant", at, value: literally(() => parseNumber(value)), text: value };
      case "string":
      case "rawString":
        return { type: "constant", at, value: literally(() => unquote(value)), text: value };
      case "leftParen": {
        if (parentheses >= deepest) fail("max expression depth exceeded");
        parentheses++;
        const inner = pipeline("parenthesized pipeline", "rightParen");
        parentheses--;
        return inner;
      }
      default:
        unread();
        return undefined;
    }
  };

  return pipeline;
}

const operandStarts = new Set<Token["type"]>([
  "bool",
  "charConstant",
  "dot",
  "field",
  "identifier",
  "number",
  "nil",
  "rawString",
  "string",
  "variable",
  "leftParen",
]);

function startsOperand(token: Token): boolean {
  return operandStarts.has(token.type);
}
