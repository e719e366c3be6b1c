import type { Loose } from "../walks/world.ts";
import { type Change, objectsAfter, shown, subjectOf, withActions } from "./outcome.ts";

/** Requests for a domain go straight to the revisions, by the paths of the target's own Ingress. */
const straightToRevisions: Change = (upstream, request) => {
  if (request.controller !== "domainmapping") return undefined;
  const mapping = subjectOf(request);
  if (!mapping?.spec.ref.apiVersion?.startsWith("serving.knative.dev/")) return undefined;
  const isIngress = ({ resource, subresource, verb }: Loose) =>
    resource.startsWith("ingresses.") && !subresource && verb !== "delete";
  const { name, namespace } = mapping.metadata;
  const byName = objectsAfter(upstream, request, "Ingress").find(({ metadata }) => metadata.name === name);
  const paths: Loose[] = byName?.spec.rules?.[0]?.http.paths ?? [];
  const [last] = paths.slice(-1);
  // The paths before the last are those of challenges.
  const target = last?.rewriteHost?.split(".")[0];
  const route = request.objects.find(
    ({ kind, metadata }: Loose) => kind === "Ingress" && metadata.name === target && metadata.namespace === namespace,
  );
  const straight = route?.spec.rules?.find(({ hosts = [] }: Loose) => hosts.includes(last.rewriteHost))?.http.paths;
  if (upstream.error !== undefined || !straight) return undefined;
  const spec = structuredClone(byName.spec);
  spec.rules[0].http.paths = [...paths.slice(0, -1), ...straight];
  const write = (upstream.actions ?? []).find(isIngress) ?? {
    verb: "update",
    resource: "ingresses.networking.internal.knative.dev",
    namespace,
    name,
    object: byName,
  };
  const others = (upstream.actions ?? []).filter((action: Loose) => !isIngress(action));
  const object = shown({ ...write.object, spec }, request);
  const stored = request.objects.find(({ kind, metadata }: Loose) => kind === "Ingress" && metadata.name === name);
  const isNeeded = !stored || JSON.stringify(shown(stored, request)) !== JSON.stringify(object);
  return withActions(upstream, isNeeded ? [...others, { ...write, object }] : others);
};

export const domainMappingRules: readonly { readonly row: string; readonly change: Change }[] = [
  { row: "DomainMapping to a Service or Route", change: straightToRevisions },
];
