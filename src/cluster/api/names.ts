import { randomInt } from "node:crypto";

/** A rule for object names: the reason why a name is not valid, or nothing. */
export type NameRule = (name: string) => string | undefined;

const subdomain = "[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*";
const label = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
const label1035 = "[a-z]([-a-z0-9]*[a-z0-9])?";

const whole = (pattern: string) => new RegExp(`^${pattern}$`);
const subdomainPattern = whole(subdomain);
const labelPattern = whole(label);
const label1035Pattern = whole(label1035);

/** Most kinds. Source: k8s.io/apimachinery util/validation IsDNS1123Subdomain. */
export const dnsSubdomain: NameRule = (name) => {
  if (name.length > 253) return "must be no more than 253 characters";
  if (subdomainPattern.test(name)) return undefined;
  return `a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '${subdomain}')`;
};

/** Namespaces, ports, containers. Source: IsDNS1123Label. */
export const dnsLabel: NameRule = (name) => {
  if (name.length > 63) return "must be no more than 63 characters";
  if (labelPattern.test(name)) return undefined;
  return `a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '${label}')`;
};

/** Services. Source: IsDNS1035Label. */
export const dns1035Label: NameRule = (name) => {
  if (name.length > 63) return "must be no more than 63 characters";
  if (label1035Pattern.test(name)) return undefined;
  return `a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '${label1035}')`;
};

/** RBAC kinds: anything that is one segment of a path. Source: path.ValidatePathSegmentName. */
export const pathSegment: NameRule = (name) => {
  if (name === "." || name === "..") return `may not be '${name}'`;
  for (const character of ["/", "%"]) if (name.includes(character)) return `may not contain '${character}'`;
  return undefined;
};

const alphabet = "bcdfghjklmnpqrstvwxz2456789";

/** `base` and five random characters, as the server names objects that have a generateName only. */
export function generateName(base: string): string {
  let suffix = "";
  for (let index = 0; index < 5; index++) suffix += alphabet[randomInt(alphabet.length)];
  return `${base.slice(0, 58)}${suffix}`;
}

const qualifiedName = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";
const qualifiedNamePattern = whole(qualifiedName);

/** Keys of labels and annotations: an optional DNS prefix and a name. Source: IsQualifiedName. */
export function qualifiedNameProblems(key: string): string[] {
  const parts = key.split("/");
  if (parts.length > 2) {
    return [
      `a qualified name must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualifiedName}') with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`,
    ];
  }
  const problems: string[] = [];
  const name = parts.at(-1)!;
  if (parts.length === 2) {
    if (parts[0] === "") problems.push("prefix part must be non-empty");
    else {
      const problem = dnsSubdomain(parts[0]!);
      if (problem) problems.push(`prefix part ${problem}`);
    }
  }
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > 63) problems.push("name part must be no more than 63 characters");
  if (!qualifiedNamePattern.test(name)) {
    problems.push(
      `name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '${qualifiedName}')`,
    );
  }
  return problems;
}

const labelValue = "(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?";
const labelValuePattern = whole(labelValue);

/** Source: IsValidLabelValue. */
export function labelValueProblems(value: string): string[] {
  const problems: string[] = [];
  if (value.length > 63) problems.push("must be no more than 63 characters");
  if (!labelValuePattern.test(value)) {
    problems.push(
      `a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '${labelValue}')`,
    );
  }
  return problems;
}
