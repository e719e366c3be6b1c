import type { Shaped } from "../lib/go-yaml.ts";

/** A label selector in a ConfigMap, as Kubernetes writes it. */
export interface NamespaceSelector {
  readonly matchLabels?: Labels;
  readonly matchExpressions?: readonly {
    readonly key: string;
    readonly operator: string;
    readonly values?: readonly string[];
  }[];
}

type Labels = Readonly<Record<string, string>>;

/**
 * Of the names whose selector matches the labels, the one with the longest selector; among equals the first in the
 * alphabet. Undefined where no selector matches.
 */
export function mostSpecific(
  selectors: readonly (readonly [name: string, selector: Labels])[],
  labels: Labels,
): string | undefined {
  let best: { name: string; size: number } | undefined;
  for (const [name, selector] of selectors) {
    if (!Object.entries(selector).every(([label, value]) => labels[label] === value)) continue;
    const size = Object.keys(selector).length;
    if (!best || size > best.size || (size === best.size && name < best.name)) best = { name, size };
  }
  return best?.name;
}

/** The shape of a NamespaceSelector in YAML. */
export const selectorShape = {
  type: "v1.LabelSelector",
  fields: {
    matchLabels: { mapOf: "string" },
    matchExpressions: {
      listOf: {
        type: "v1.LabelSelectorRequirement",
        fields: { key: "string", operator: "string", values: { listOf: "string" } },
      },
    },
  },
} as const;

/** A selector as it was read, with what it leaves out filled in. */
export function asNamespaceSelector({
  matchLabels,
  matchExpressions,
}: Shaped<typeof selectorShape>): NamespaceSelector {
  return {
    ...(matchLabels && { matchLabels }),
    ...(matchExpressions && {
      matchExpressions: matchExpressions.map((expression) => ({ key: "", operator: "", ...expression })),
    }),
  };
}
