import { executeTree } from "./go-template/execute.ts";
import { parseTree } from "./go-template/parse.ts";
import type { TemplateValue } from "./go-template/value.ts";

export { TemplateError } from "./go-template/error.ts";
export { float, goMap, type Method, stringMap, struct, type TemplateValue } from "./go-template/value.ts";

/** A parsed Go text template. */
export interface Template {
  /** What it calls itself in error messages. */
  readonly name: string;
  readonly text: string;
  /** Fills the template in. Throws TemplateError where it does not suit the data. */
  execute(data: TemplateValue): string;
}

/**
 * Parses a Go text template. Throws TemplateError. The whole language is there but complex numbers and calling
 * functions that are data; what a template may reach is only what its data offers. Messages are those of Go 1.26.
 * Source: Go text/template.
 */
export function parseTemplate(name: string, text: string): Template {
  const trees = parseTree(name, text);
  return Object.freeze({ name, text, execute: (data: TemplateValue) => executeTree(name, text, trees, data) });
}
