import type { KubeObject, LabelSelector } from "../../apis/meta.ts";
import { badRequest } from "./status-errors.ts";

export type Labels = Readonly<Record<string, string>>;
export type LabelMatcher = (labels: Labels) => boolean;

const all: LabelMatcher = () => true;
const keyPattern = /^(?:[a-z0-9](?:[-a-z0-9.]*[a-z0-9])?\/)?[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?$/;
const valuePattern = /^(?:[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,61}[A-Za-z0-9])?)?$/;

/**
 * Parses a label selector query: `a=b,c!=d,e in (f,g),h notin (i),j,!k,l>1`. Throws 400 with the parser's reason.
 * Source: k8s.io/apimachinery labels.Parse.
 */
export function parseLabelSelector(text: string): LabelMatcher {
  if (text.trim() === "") return all;
  const requirements = splitOutsideParentheses(text).map((part) => parseRequirement(part, text));
  return (labels) => requirements.every((matches) => matches(labels));
}

function parseRequirement(part: string, whole: string): LabelMatcher {
  const fail = (why: string) => badRequest(`unable to parse requirement: ${why}`);
  const trimmed = part.trim();
  if (trimmed === "") {
    throw fail(`found '', expected: identifier after ','`);
  }
  const absent = /^!\s*(\S+)$/.exec(trimmed);
  if (absent) {
    const key = checkKey(absent[1]!, fail);
    return (labels) => !(key in labels);
  }
  const set = /^(\S+)\s+(in|notin)\s*\(([^()]*)\)$/.exec(trimmed);
  if (set) {
    const key = checkKey(set[1]!, fail);
    const values = new Set(set[3]!.split(",").map((value) => checkValue(value.trim(), key, fail)));
    return set[2] === "in"
      ? (labels) => key in labels && values.has(labels[key]!)
      : (labels) => !(key in labels) || !values.has(labels[key]!);
  }
  const relation = /^([^\s=!<>]+)\s*(==|=|!=|>|<)\s*(\S*)$/.exec(trimmed);
  if (relation) {
    const key = checkKey(relation[1]!, fail);
    const value = checkValue(relation[3]!, key, fail);
    if (relation[2] === "!=") return (labels) => labels[key] !== value;
    if (relation[2] === ">" || relation[2] === "<") {
      if (!/^-?\d+$/.test(value)) {
        throw fail(`for 'Gt', 'Lt' operators, the value must be an integer`);
      }
      const sign = relation[2] === ">" ? 1 : -1;
      return (labels) => /^-?\d+$/.test(labels[key] ?? "") && sign * (Number(labels[key]) - Number(value)) > 0;
    }
    return (labels) => labels[key] === value;
  }
  if (/^\S+$/.test(trimmed)) {
    const key = checkKey(trimmed, fail);
    return (labels) => key in labels;
  }
  throw fail(`couldn't parse the selector string "${whole}"`);
}

function checkKey(key: string, fail: (why: string) => Error): string {
  if (!keyPattern.test(key)) {
    throw fail(
      `<nil>: Invalid value: ${JSON.stringify(key)}: name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')`,
    );
  }
  return key;
}

function checkValue(value: string, key: string, fail: (why: string) => Error): string {
  if (!valuePattern.test(value)) {
    throw fail(
      `values[0][${key}]: Invalid value: ${JSON.stringify(value)}: a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')`,
    );
  }
  return value;
}

function splitOutsideParentheses(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  for (let index = 0; index < text.length; index++) {
    const character = text[index];
    if (character === "(") depth++;
    else if (character === ")") depth--;
    else if (character === "," && depth === 0) {
      parts.push(text.slice(start, index));
      start = index + 1;
    }
  }
  return [...parts, text.slice(start)];
}

/** Whether labels match a LabelSelector object. An absent selector matches nothing, an empty one everything. */
export function matchesSelector(selector: LabelSelector | undefined, labels: Labels = {}): boolean {
  if (!selector) return false;
  for (const [key, value] of Object.entries(selector.matchLabels ?? {})) if (labels[key] !== value) return false;
  return (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
    if (operator === "Exists") return key in labels;
    if (operator === "DoesNotExist") return !(key in labels);
    const listed = key in labels && values.includes(labels[key]!);
    return operator === "In" ? listed : !listed;
  });
}

/** What a field selector may ask of an object: field label to value. */
export type SelectableFields = (object: KubeObject) => Readonly<Record<string, string>>;

/**
 * Parses a field selector such as `metadata.name=a,status.phase!=Running` against the fields that a kind supports.
 * Throws 400 for others. Source: k8s.io/apimachinery fields.ParseSelector.
 */
export function parseFieldSelector(
  text: string,
  supported: readonly string[],
  fieldsOf: SelectableFields,
): { matches: (object: KubeObject) => boolean; name: string | undefined } {
  if (text === "") return { matches: () => true, name: undefined };
  const terms = splitEscaped(text).map((term) => {
    const match = /^(.*?)(==|!=|=)(.*)$/s.exec(term);
    if (!match) throw badRequest(`invalid selector: '${text}'; can't understand '${term}'`);
    const field = match[1]!;
    if (!supported.includes(field)) {
      const known = supported.map((name) => JSON.stringify(name)).join(", ");
      throw badRequest(`${JSON.stringify(field)} is not a known field selector: only ${known}`);
    }
    return { field, equal: match[2] !== "!=", value: match[3]!.replace(/\\([\\,=])/g, "$1") };
  });
  return {
    matches(object) {
      const fields = fieldsOf(object);
      return terms.every(({ field, equal, value }) => ((fields[field] ?? "") === value) === equal);
    },
    name: terms.find(({ field, equal }) => equal && field === "metadata.name")?.value,
  };
}

function splitEscaped(text: string): string[] {
  return text.split(/(?<!\\),/).filter((term) => term !== "");
}
