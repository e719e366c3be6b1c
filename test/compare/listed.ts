import { isDeepStrictEqual } from "node:util";
import type { Loose } from "../walks/world.ts";
import { certificateRules } from "./certificates.ts";
import { domainMappingRules } from "./domainmapping.ts";
import { type Change, conditionOf, isOf, mark, withStatus } from "./outcome.ts";
import { routeRules } from "./route.ts";

/** The latest revision says what is missing, which the Configuration passes on. */
const configurationSaysWhy: Change = (upstream, request) => {
  if (request.controller !== "configuration") return undefined;
  return withStatus(upstream, request, (status) => {
    const ready = conditionOf(status, "Ready");
    const latest = request.objects.find(
      (object: Loose) => object.kind === "Revision" && object.metadata.name === status.latestCreatedRevisionName,
    );
    const said = conditionOf(latest?.status, "Ready");
    const isWordless = ready?.status === "Unknown" && !ready.reason && !ready.message;
    if (isWordless && said?.status === "Unknown" && said.message) mark(status, "Ready", said);
  });
};

/** Readiness is what the Configuration says, where the Route only lacks what the Configuration is to bring about. */
const serviceSaysWhy: Change = (upstream, request) => {
  if (request.controller !== "service") return undefined;
  return withStatus(upstream, request, (status, { metadata }) => {
    const cause = conditionOf(status, "ConfigurationsReady");
    const route = conditionOf(status, "RoutesReady");
    const ready = conditionOf(status, "Ready");
    const lacks = [
      `Configuration "${metadata.name}" does not have any ready Revision.`,
      `Configuration "${metadata.name}" is waiting for a Revision to become ready.`,
      `Revision "${status.latestCreatedRevisionName}" failed to become ready.`,
      `Revision "${status.latestCreatedRevisionName}" is not yet ready.`,
    ];
    if (route?.reason !== "RevisionMissing" || !lacks.includes(route.message)) return;
    if (!cause?.message || cause.status === "True" || cause.reason === "OutOfDate") return;
    if (cause.status === "False" || ready.status === "Unknown") mark(status, "Ready", cause);
  });
};

const noEndpoints = /^failed to get private K8s Service endpoints: endpoints "[^"]+" not found$/;

/** What waits for the private Endpoints does so quietly. */
const endpointsAreAwaited: Change = (upstream, { controller }) => {
  if (controller !== "serverlessservice" || !noEndpoints.test(upstream.error ?? "")) return undefined;
  const { error, events = [], ...rest } = upstream;
  const others = events.filter((event: string) => event !== `Warning InternalError ${error}`);
  return { ...rest, ...(others.length > 0 && { events: others }) };
};

/** Whether a row of docs/differences.md, and nothing else, tells an answer of ours from upstream's. */
export const listed: readonly { readonly row: string; readonly change: Change }[] = [
  { row: "Configuration while the Revision is Unknown", change: configurationSaysWhy },
  { row: "Ready of a Service without a ready Revision", change: serviceSaysWhy },
  { row: "First pass of a ServerlessService", change: endpointsAreAwaited },
  ...domainMappingRules,
  ...certificateRules,
  ...routeRules,
];

/** What ours has to be by all rows that apply to upstream's answer, and which those are. */
export function explain(
  upstream: Loose,
  request: Loose,
  ours: Loose,
): { readonly answer: Loose; readonly rows: readonly string[] } {
  let answer = upstream;
  const rows: string[] = [];
  if (!isOf(request, "reconcile")) return { answer, rows };
  for (const { row, change } of listed) {
    const changed = change(structuredClone(answer), request, ours);
    if (changed === undefined || isDeepStrictEqual(changed, answer)) continue;
    answer = changed;
    rows.push(row);
  }
  return { answer, rows };
}
