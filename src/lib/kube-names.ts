import { goQuote } from "./go-quote.ts";

const subdomain = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const qualifiedName = /^([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]$/;
const labelValue = /^(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?$/;

const subdomainText =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
const nameText =
  "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')";
const valueText =
  "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyValue',  or 'my_value',  or '12345', regex used for validation is '(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?')";

type Labels = Readonly<Record<string, string>>;

/** What Kubernetes says against a DNS subdomain; empty where it is one. Source: k8s.io/apimachinery v0.29 validation.IsDNS1123Subdomain. */
export function subdomainProblems(name: string): string[] {
  const problems = name.length > 253 ? ["must be no more than 253 characters"] : [];
  return subdomain.test(name) ? problems : [...problems, subdomainText];
}

/** What Kubernetes says against the first label that cannot be selected. Source: k8s.io/apimachinery v0.29 labels.ValidatedSelectorFromSet. */
export function labelSelectorProblem(selector: Labels): string | undefined {
  for (const [key, value] of Object.entries(selector)) {
    const problem = aggregate([...keyProblem(key), ...valueProblem(key, value, 0)]);
    if (problem) return problem;
  }
  return undefined;
}

/** What Kubernetes says against a label's or annotation's key; empty where it is fine. Source: validation.IsQualifiedName. */
export function qualifiedNameProblems(key: string): string[] {
  const parts = key.split("/");
  if (parts.length > 2) {
    const example = " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
    return [`a qualified name ${nameText.replace("name part ", "")}${example}`];
  }
  const name = parts.at(-1)!;
  const problems: string[] = [];
  if (parts.length === 2) {
    if (parts[0] === "") problems.push("prefix part must be non-empty");
    else problems.push(...subdomainProblems(parts[0]!).map((problem) => `prefix part ${problem}`));
  }
  if (name === "") problems.push("name part must be non-empty");
  else if (name.length > 63) problems.push("name part must be no more than 63 characters");
  return qualifiedName.test(name) ? problems : [...problems, nameText];
}

/** What Kubernetes says against a label's value; empty where it is fine. Source: validation.IsValidLabelValue. */
export function labelValueProblems(value: string): string[] {
  const problems = value.length > 63 ? ["must be no more than 63 characters"] : [];
  return labelValue.test(value) ? problems : [...problems, valueText];
}

const operators: Readonly<Record<string, "some" | "none">> = {
  In: "some",
  NotIn: "some",
  Exists: "none",
  DoesNotExist: "none",
};

/** What Kubernetes says against a label selector. Source: k8s.io/apimachinery v0.29 metav1.LabelSelectorAsSelector. */
export function selectorProblem(selector: {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}): string | undefined {
  const problem = labelSelectorProblem(selector.matchLabels ?? {});
  if (problem) return problem;
  for (const { key, operator, values = [] } of selector.matchExpressions ?? []) {
    const takes = Object.hasOwn(operators, operator) ? operators[operator] : undefined;
    if (!takes) return `${goQuote(operator)} is not a valid label selector operator`;
    const problem = aggregate([
      ...keyProblem(key),
      ...(takes === "some" && values.length === 0
        ? ["values: Invalid value: []: for 'in', 'notin' operators, values set can't be empty"]
        : []),
      ...(takes === "none" && values.length > 0
        ? [
            `values: Invalid value: [${values.map(goQuote).join(",")}]: values set must be empty for exists and does not exist`,
          ]
        : []),
      ...values.flatMap((value, index) => valueProblem(key, value, index)),
    ]);
    if (problem) return problem;
  }
  return undefined;
}

function keyProblem(key: string): string[] {
  const problems = qualifiedNameProblems(key);
  return problems.length > 0 ? [`key: Invalid value: ${goQuote(key)}: ${problems.join("; ")}`] : [];
}

function valueProblem(key: string, value: string, index: number): string[] {
  const problems = labelValueProblems(value);
  return problems.length > 0
    ? [`values[${index}][${key}]: Invalid value: ${goQuote(value)}: ${problems.join("; ")}`]
    : [];
}

function aggregate(problems: readonly string[]): string | undefined {
  return problems.length > 1 ? `[${problems.join(", ")}]` : problems[0];
}

const label = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?$/;
const label1035 = /^[a-z]([-a-z0-9]*[a-z0-9])?$/;
const identifier = /^[A-Za-z_][A-Za-z0-9_]*$/;

const labelText =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')";
const label1035Text =
  "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character (e.g. 'my-name',  or 'abc-123', regex used for validation is '[a-z]([-a-z0-9]*[a-z0-9])?')";
const identifierText =
  "a valid C identifier must start with alphabetic character or '_', followed by a string of alphanumeric characters or '_' (e.g. 'my_name',  or 'MY_NAME',  or 'MyName', regex used for validation is '[A-Za-z_][A-Za-z0-9_]*')";

/** What Kubernetes says against a DNS label (RFC 1123); empty where it is one. Source: validation.IsDNS1123Label. */
export function dnsLabelProblems(name: string): string[] {
  const problems = Buffer.byteLength(name) > 63 ? ["must be no more than 63 characters"] : [];
  if (label.test(name)) return problems;
  return [...problems, subdomain.test(name) ? "must not contain dots" : labelText];
}

/** What Kubernetes says against a DNS label (RFC 1035), such as a Service's name. Source: validation.IsDNS1035Label. */
export function dns1035LabelProblems(name: string): string[] {
  const problems = Buffer.byteLength(name) > 63 ? ["must be no more than 63 characters"] : [];
  return label1035.test(name) ? problems : [...problems, label1035Text];
}

/** As dns1035LabelProblems, for a name to which something is added. Source: validation.NameIsDNS1035Label. */
export function dns1035PrefixProblems(prefix: string): string[] {
  return dns1035LabelProblems(prefix.endsWith("-") && prefix.length > 1 ? `${prefix.slice(0, -2)}a` : prefix);
}

/** What Kubernetes says against an identifier. Source: validation.IsCIdentifier. */
export function identifierProblems(name: string): string[] {
  return identifier.test(name) ? [] : [identifierText];
}

/** What Kubernetes says against a domain name of two labels at least. Source: validation.IsFullyQualifiedDomainName. */
export function domainNameProblem(field: string, domain: string): string | undefined {
  const invalid = (value: string, text: string) => `${field}: Invalid value: ${goQuote(value)}: ${text}`;
  if (domain === "") return `${field}: Required value`;
  const name = domain.endsWith(".") ? domain.slice(0, -1) : domain;
  const problems = subdomainProblems(name);
  if (problems.length > 0) return invalid(name, problems.join(","));
  const labels = name.split(".");
  if (labels.length < 2) return invalid(name, "should be a domain with at least two segments separated by dots");
  for (const part of labels) {
    const partProblems = dnsLabelProblems(part);
    if (partProblems.length > 0) return invalid(part, partProblems.join(","));
  }
  return undefined;
}
