import type { TemplateValue } from "./value.ts";

/** Something that has a value. `at` is where error messages place it. */
export type Expression =
  | { readonly type: "dot" | "nil"; readonly at: number }
  | { readonly type: "constant"; readonly at: number; readonly value: TemplateValue; readonly text: string }
  | { readonly type: "field"; readonly at: number; readonly names: readonly string[] }
  | { readonly type: "variable"; readonly at: number; readonly name: string; readonly names: readonly string[] }
  | { readonly type: "function"; readonly at: number; readonly name: string }
  | { readonly type: "chain"; readonly at: number; readonly of: Expression; readonly names: readonly string[] }
  | Pipeline;

export interface Command {
  readonly at: number;
  readonly words: readonly Expression[];
}

export interface Pipeline {
  readonly type: "pipeline";
  readonly at: number;
  /** The variables that take its value. */
  readonly variables: readonly string[];
  /** Whether these exist already. */
  readonly isAssignment: boolean;
  readonly commands: readonly Command[];
}

export type Node =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "action"; readonly pipeline: Pipeline }
  | {
      readonly type: "if" | "range" | "with";
      readonly at: number;
      readonly pipeline: Pipeline;
      readonly then: readonly Node[];
      readonly otherwise: readonly Node[] | undefined;
    }
  | { readonly type: "template"; readonly at: number; readonly name: string; readonly pipeline: Pipeline | undefined }
  | { readonly type: "break" | "continue" };

/** The templates that one text defines, by name. */
export type Trees = ReadonlyMap<string, readonly Node[]>;

/** Prints an expression as error messages show it. */
export function show(node: Expression | Command): string {
  if (!("type" in node)) {
    return node.words.map((word) => (word.type === "pipeline" ? `(${show(word)})` : show(word))).join(" ");
  }
  switch (node.type) {
    case "dot":
      return ".";
    case "nil":
      return "nil";
    case "constant":
      return node.text;
    case "field":
      return node.names.map((name) => `.${name}`).join("");
    case "variable":
      return [node.name, ...node.names].join(".");
    case "function":
      return node.name;
    case "chain": {
      const of = node.of.type === "pipeline" ? `(${show(node.of)})` : show(node.of);
      return of + node.names.map((name) => `.${name}`).join("");
    }
    case "pipeline": {
      const commands = node.commands.map(show).join(" | ");
      if (node.variables.length === 0) return commands;
      return `${node.variables.join(", ")} ${node.isAssignment ? "=" : ":="} ${commands}`;
    }
  }
}
