import { goQuote } from "../go-quote.ts";
import { TemplateError } from "./error.ts";
import { functionNames } from "./functions.ts";
import { describeToken, lex, type Token } from "./lex.ts";
import { parseNumber, unquote } from "./literal.ts";
import type { Command, Expression, Node, Pipeline, Trees } from "./node.ts";
import { show } from "./node.ts";

/** How deep parentheses may be nested. */
const deepest = 10_000;

/** Parses a template and what it defines. Throws TemplateError with the name and line. */
export function parseTree(name: string, text: string): Trees {
  const tokens = lex(text);
  const trees = new Map<string, readonly Node[]>();
  let index = 0;
  /** The last token that was looked at: errors name its line. */
  let furthest = 0;
  let variables: string[] = ["$"];
  let rangeDepth = 0;
  let parentheses = 0;
  let actionLine = 0;

  const fail = (message: string): never => {
    const { line } = tokens[Math.min(furthest, tokens.length - 1)]!;
    throw new TemplateError(`template: ${name}:${line}: ${message}`);
  };
  const peek = (): Token => {
    furthest = Math.max(furthest, index);
    return tokens[Math.min(index, tokens.length - 1)]!;
  };
  const next = (): Token => {
    const token = peek();
    index++;
    return token;
  };
  const skipSpace = () => {
    while (peek().type === "space") index++;
  };
  const peekNonSpace = (): Token => {
    skipSpace();
    return peek();
  };
  const nextNonSpace = (): Token => {
    skipSpace();
    return next();
  };
  const isKeyword = (token: Token, word: string) => token.type === "keyword" && token.value === word;
  const unexpected = (token: Token, context: string): never => {
    if (token.type !== "error") return fail(`unexpected ${describeToken(token)} in ${context}`);
    const isElsewhere = actionLine !== 0 && actionLine !== token.line;
    const started = token.value.endsWith(" action") ? " started at" : " in action started at";
    return fail(token.value + (isElsewhere ? `${started} ${name}:${actionLine}` : ""));
  };
  const expect = (type: Token["type"], context: string): Token => {
    const token = nextNonSpace();
    return token.type === type ? token : unexpected(token, context);
  };
  const literally = <T>(read: () => T): T => {
    try {
      return read();
    } catch (error) {
      if (error instanceof TemplateError) return fail(error.message);
      throw error;
    }
  };

  type Terminator = { readonly type: "end" } | { readonly type: "else"; readonly followedBy?: "if" | "with" };
  type Item = Node | Terminator;
  const isTerminator = (item: Item): item is Terminator => item.type === "end" || item.type === "else";
  const showTerminator = ({ type }: Terminator) => `{{${type}}}`;

  const parseAll = (): readonly Node[] => {
    const nodes: Node[] = [];
    while (peek().type !== "eof") {
      const start = index;
      if (peek().type === "leftDelim") {
        index++;
        if (isKeyword(nextNonSpace(), "define")) {
          parseDefinition();
          continue;
        }
        index = start;
      }
      const item = textOrAction();
      if (isTerminator(item)) fail(`unexpected ${showTerminator(item)}`);
      else nodes.push(item);
    }
    return nodes;
  };

  /** Parses what belongs to a template of its own: variables of the outer one are out of sight. */
  const separately = (defined: string, context: string) => {
    const outer = { variables, rangeDepth };
    variables = ["$"];
    rangeDepth = 0;
    const [nodes, terminator] = itemList();
    if (terminator.type !== "end") fail(`unexpected ${showTerminator(terminator)} in ${context}`);
    ({ variables, rangeDepth } = outer);
    if (trees.has(defined) && !isBlank(nodes) && !isBlank(trees.get(defined)!)) {
      fail(`template: multiple definition of template ${goQuote(defined)}`);
    }
    if (!trees.has(defined) || !isBlank(nodes)) trees.set(defined, nodes);
  };

  const templateName = (context: string): { name: string; at: number } => {
    const { type, value, at } = peekNonSpace();
    if (type !== "string" && type !== "rawString") return unexpected(next(), context);
    index++;
    return { name: literally(() => unquote(value)), at };
  };

  const parseDefinition = () => {
    const context = "define clause";
    const { name: defined } = templateName(context);
    expect("rightDelim", context);
    separately(defined, context);
  };

  const itemList = (): [nodes: Node[], terminator: Terminator] => {
    const nodes: Node[] = [];
    while (peekNonSpace().type !== "eof") {
      const item = textOrAction();
      if (isTerminator(item)) return [nodes, item];
      nodes.push(item);
    }
    return fail("unexpected EOF");
  };

  const textOrAction = (): Item => {
    const token = nextNonSpace();
    if (token.type === "text") return { type: "text", text: token.value };
    if (token.type !== "leftDelim") return unexpected(token, "input");
    actionLine = token.line;
    const item = action();
    actionLine = 0;
    return item;
  };

  const action = (): Item => {
    const token = peekNonSpace();
    if (token.type !== "keyword") return { type: "action", pipeline: pipeline("command", "rightDelim") };
    index++;
    switch (token.value) {
      case "block":
        return block();
      case "break":
      case "continue": {
        const clause = `{{${token.value}}}`;
        expect("rightDelim", clause);
        if (rangeDepth === 0) fail(`${clause} outside {{range}}`);
        return { type: token.value };
      }
      case "else": {
        const following = peekNonSpace();
        if (isKeyword(following, "if")) return { type: "else", followedBy: "if" };
        if (isKeyword(following, "with")) return { type: "else", followedBy: "with" };
        expect("rightDelim", "else");
        return { type: "else" };
      }
      case "end":
        expect("rightDelim", "end");
        return { type: "end" };
      case "if":
      case "range":
      case "with":
        return control(token.value, token.at);
      case "template": {
        const context = "template clause";
        const called = templateName(context);
        if (peekNonSpace().type !== "rightDelim") {
          return { type: "template", ...called, pipeline: pipeline(context, "rightDelim") };
        }
        index++;
        return { type: "template", ...called, pipeline: undefined };
      }
      default:
        return unexpected(token, "command");
    }
  };

  const control = (type: "if" | "range" | "with", at: number): Node => {
    const inScope = variables.length;
    const condition = pipeline(type, "rightDelim");
    if (type === "range") rangeDepth++;
    const [then, terminator] = itemList();
    if (type === "range") rangeDepth--;
    const otherwise = terminator.type === "else" ? elseList(type, terminator) : undefined;
    variables.length = inScope;
    return { type, at, pipeline: condition, then, otherwise };
  };

  const elseList = (type: "if" | "range" | "with", terminator: Terminator & { type: "else" }): readonly Node[] => {
    const { followedBy } = terminator;
    if (followedBy !== undefined && followedBy === type) {
      const { at } = next();
      return [control(followedBy, at)];
    }
    const [nodes, end] = itemList();
    if (end.type !== "end") fail(`expected end; found ${showTerminator(end)}`);
    return nodes;
  };

  const block = (): Node => {
    const context = "block clause";
    const defined = templateName(context);
    const argument = pipeline(context, "rightDelim");
    separately(defined.name, context);
    return { type: "template", ...defined, pipeline: argument };
  };

  const pipeline = (context: string, end: Token["type"]): Pipeline => {
    const { at } = peekNonSpace();
    const declared: string[] = [];
    let isAssignment = false;
    while (peekNonSpace().type === "variable") {
      const start = index;
      const variable = next();
      const following = peekNonSpace();
      if (following.type === "assign" || following.type === "declare") {
        isAssignment = following.type === "assign";
        index++;
        declared.push(variable.value);
        variables.push(variable.value);
        break;
      }
      if (following.type !== "char" || following.value !== ",") {
        index = start;
        break;
      }
      index++;
      declared.push(variable.value);
      variables.push(variable.value);
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
      index--;
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
      if (token.type === "rightDelim" || token.type === "rightParen") index--;
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
        if (!variables.includes(value)) fail(`undefined variable ${goQuote(value)}`);
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
        index--;
        return undefined;
    }
  };

  const root = parseAll();
  if (!trees.has(name) || !isBlank(root)) trees.set(name, root);
  return trees;
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

function isBlank(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.type === "text" && node.text.trim() === "");
}
