import { isControlledBy } from "../../apis/meta.ts";
import type { Configuration } from "../../apis/serving/configuration.ts";
import type { Revision } from "../../apis/serving/revision.ts";
import type { Lister } from "../../kube/api.ts";
import { semanticEqual } from "../../kube/semantic.ts";
import { generationOf } from "../revisions-of.ts";

/** What became of the revision name that a user chose. */
export type NamedRevision =
  | { readonly is: "unnamed" }
  /** No revision has that name yet. */
  | { readonly is: "free"; readonly name: string }
  /** It is the Configuration's own, for this template. */
  | { readonly is: "ours"; readonly name: string; readonly revision: Revision }
  /** It belongs to another Configuration, or to another template of this one. */
  | { readonly is: "taken"; readonly name: string };

/**
 * Looks up the revision that the Configuration's template names.
 * Source: serving v0.42.2 pkg/reconciler/configuration CheckNameAvailability.
 */
export function namedRevision(configuration: Configuration, revisions: Pick<Lister<Revision>, "get">): NamedRevision {
  const { template } = configuration.spec;
  const name = template.metadata?.name;
  if (!name) return { is: "unnamed" };
  const { namespace = "", generation = 0 } = configuration.metadata;
  const revision = revisions.get({ name, namespace });
  if (!revision) return { is: "free", name };
  if (!isControlledBy(revision, configuration)) return { is: "taken", name };
  // Labels and annotations may have been added since; the spec cannot have changed.
  const same = generationOf(revision) === generation || semanticEqual(template.spec, revision.spec);
  return same ? { is: "ours", name, revision } : { is: "taken", name };
}
