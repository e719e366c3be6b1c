import { parseTemplate, type Template, TemplateError, type TemplateValue } from "../lib/go-template.ts";
import { Problem } from "./config-error.ts";

/** Parses the template that `key` holds. `name` is what the template calls itself in errors. Throws Problem. */
export function readTemplate(name: string, text: string, key: string): Template {
  return blaming(key, () => parseTemplate(name, text));
}

/** Executes a template of `key` for trial. Throws Problem. */
export function tryTemplate(template: Template, data: TemplateValue, key: string): string {
  return blaming(key, () => template.execute(data));
}

function blaming<T>(key: string, act: () => T): T {
  try {
    return act();
  } catch (error) {
    if (!(error instanceof TemplateError)) throw error;
    throw new Problem(error.message, key, { cause: error, allowed: "a Go text template" });
  }
}
