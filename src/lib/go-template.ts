import { executeTree } from "./go-template/execute.ts";
import type { Trees } from "./go-template/node.ts";
import { parseTree } from "./go-template/parse.ts";
import type { TemplateValue } from "./go-template/value.ts";

export { TemplateError } from "./go-template/error.ts";
export { float, goMap, type Method, stringMap, struct, type TemplateValue } from "./go-template/value.ts";

/**
 * A parsed Go text template. The whole language is there but complex numbers and calling functions that are data; what
 * a template may reach is only what its data offers. Messages are those of Go 1.26. Source: Go text/template.
 */
export class Template {
  /** What it calls itself in error messages. */
  readonly name: string;
  readonly text: string;
  readonly #trees: Trees;

  /** Throws TemplateError where the text is no template. */
  constructor(name: string, text: string) {
    this.name = name;
    this.text = text;
    this.#trees = parseTree(name, text);
  }

  /** Fills the template in. Throws TemplateError where it does not suit the data. */
  execute(data: TemplateValue): string {
    return executeTree(this.name, this.text, this.#trees, data);
  }
}

/** Parses a template. Throws TemplateError. */
export function parseTemplate(name: string, text: string): Template {
  return new Template(name, text);
}
