import type { Item, ServedResource } from "../resource.ts";

/** A table as `kubectl get` prints it (meta/v1 Table). */
export interface Table {
  readonly kind: "Table";
  readonly apiVersion: string;
  readonly metadata: object;
  readonly columnDefinitions: readonly object[];
  readonly rows: readonly object[];
}

/** Prints objects as rows of their kind's columns. */
export function makeTable(
  resource: ServedResource,
  items: readonly Item[],
  view: { readonly version: string; readonly include: "None" | "Metadata" | "Object" },
  nowMs: number,
  metadata: object,
): Table {
  return {
    kind: "Table",
    apiVersion: `meta.k8s.io/${view.version}`,
    metadata,
    columnDefinitions: resource.columns.map(({ name, type, format = "", description = "", priority = 0 }) => ({
      name,
      type,
      format,
      description,
      priority,
    })),
    rows: items.map((item) => ({
      cells: resource.columns.map((column) => column.cell(item, nowMs) ?? null),
      object: objectOf(item, view),
    })),
  };
}

function objectOf(item: Item, { include, version }: { readonly version: string; readonly include: string }): unknown {
  if (include === "None") return null;
  return include === "Object"
    ? item
    : { kind: "PartialObjectMetadata", apiVersion: `meta.k8s.io/${version}`, metadata: item.metadata };
}

/** How long ago something was, as kubectl writes ages: `5s`, `3m20s`, `4h`, `2d3h`, `1y40d`. Source: duration.HumanDuration. */
export function age(time: unknown, nowMs: number): string {
  if (typeof time !== "string") return "<unknown>";
  const parsed = Date.parse(time);
  return Number.isNaN(parsed) ? "<unknown>" : humanDuration(nowMs - parsed);
}

function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / 1000);
  if (seconds < -1) return "<invalid>";
  if (seconds < 0) return "0s";
  if (seconds < 120) return `${seconds}s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 10) return seconds % 60 === 0 ? `${minutes}m` : `${minutes}m${seconds % 60}s`;
  if (minutes < 180) return `${minutes}m`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 8) return minutes % 60 === 0 ? `${hours}h` : `${hours}h${minutes % 60}m`;
  if (hours < 48) return `${hours}h`;
  const days = Math.floor(hours / 24);
  if (hours < 192) return hours % 24 === 0 ? `${days}d` : `${days}d${hours % 24}h`;
  if (hours < 24 * 365 * 2) return `${days}d`;
  const years = Math.floor(hours / 24 / 365);
  if (hours < 24 * 365 * 8) return days % 365 === 0 ? `${years}y` : `${years}y${days % 365}d`;
  return `${years}y`;
}
