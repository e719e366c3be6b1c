import { goQuote } from "../go-quote.ts";
import { unquote } from "./literal.ts";
import type { Node, Trees } from "./node.ts";
import { createPipelineParser, type Scope } from "./parse-pipeline.ts";
import { createTokenReader, isKeyword } from "./token-reader.ts";

type Terminator = { readonly type: "end" } | { readonly type: "else"; readonly followedBy?: "if" | "with" };
type Item = Node | Terminator;

/** Parses a template and what it defines. Throws TemplateError with the name and line. */
export function parseTree(name: string, text: string): Trees {
  const tokens = createTokenReader(name, text);
  const { expect, fail, goBack, literally, next, nextNonSpace, peek, peekNonSpace, position, unexpected, within } =
    tokens;
  const scope: Scope = { variables: ["$"] };
  const pipeline = createPipelineParser(tokens, scope);
  const trees = new Map<string, readonly Node[]>();
  let rangeDepth = 0;

  const parseAll = (): readonly Node[] => {
    const nodes: Node[] = [];
    while (peek().type !== "eof") {
      const start = position();
      if (peek().type === "leftDelim") {
        next();
        if (isKeyword(nextNonSpace(), "define")) {
          parseDefinition();
          continue;
        }
        goBack(start);
      }
      const item = textOrAction();
      if (isTerminator(item)) fail(`unexpected ${showTerminator(item)}`);
      else nodes.push(item);
    }
    return nodes;
  };

  /** Parses what belongs to a template of its own: variables of the outer one are out of sight. */
  const separately = (defined: string, context: string) => {
    const outer = { variables: scope.variables, rangeDepth };
    scope.variables = ["$"];
    rangeDepth = 0;
    const [nodes, terminator] = itemList();
    if (terminator.type !== "end") fail(`unexpected ${showTerminator(terminator)} in ${context}`);
    ({ variables: scope.variables, rangeDepth } = outer);
    if (trees.has(defined) && !isBlank(nodes) && !isBlank(trees.get(defined)!)) {
      fail(`template: multiple definition of template ${goQuote(defined)}`);
    }
    if (!trees.has(defined) || !isBlank(nodes)) trees.set(defined, nodes);
  };

  const templateName = (context: string): { name: string; at: number } => {
    const { type, value, at } = peekNonSpace();
    if (type !== "string" && type !== "rawString") return unexpected(next(), context);
    next();
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
    within(token);
    const item = action();
    within(undefined);
    return item;
  };

  const action = (): Item => {
    const token = peekNonSpace();
    if (token.type !== "keyword") return { type: "action", pipeline: pipeline("command", "rightDelim") };
    next();
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
        next();
        return { type: "template", ...called, pipeline: undefined };
      }
      default:
        return unexpected(token, "command");
    }
  };

  const control = (type: "if" | "range" | "with", at: number): Node => {
    const inScope = scope.variables.length;
    const condition = pipeline(type, "rightDelim");
    if (type === "range") rangeDepth++;
    const [then, terminator] = itemList();
    if (type === "range") rangeDepth--;
    const otherwise = terminator.type === "else" ? elseList(type, terminator) : undefined;
    scope.variables.length = inScope;
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

  const root = parseAll();
  if (!trees.has(name) || !isBlank(root)) trees.set(name, root);
  return trees;
}

function isTerminator(item: Item): item is Terminator {
  return item.type === "end" || item.type === "else";
}

function showTerminator({ type }: Terminator): string {
  return `{{${type}}}`;
}

function isBlank(nodes: readonly Node[]): boolean {
  return nodes.every((node) => node.type === "text" && node.text.trim() === "");
}
