import type { Configuration } from "../apis/serving/configuration.ts";
import { configurationGenerationLabel, configurationLabel } from "../apis/serving/labels.ts";
import type { Revision } from "../apis/serving/revision.ts";
import type { Informer, Lister } from "../kube/api.ts";

const byConfiguration = "configuration";

/** Lets `revisionsOf` find the Revisions of a Configuration without looking at all of them. */
export function indexRevisions(revisions: Informer<Revision>): Informer<Revision> {
  revisions.addIndex(byConfiguration, ({ metadata }) => {
    const name = metadata.labels?.[configurationLabel];
    return name === undefined ? [] : [`${metadata.namespace}/${name}`];
  });
  return revisions;
}

/** The Revisions labelled as the Configuration's, in no particular order. */
export function revisionsOf(revisions: Lister<Revision>, configuration: Configuration): readonly Revision[] {
  return revisions.byIndex(byConfiguration, `${configuration.metadata.namespace}/${configuration.metadata.name}`);
}

/** The generation of its Configuration that a Revision was made for; undefined where the label is no number. */
export function generationOf(revision: Revision): number | undefined {
  const label = revision.metadata.labels?.[configurationGenerationLabel] ?? "";
  return /^[+-]?\d+$/.test(label) ? Number(label) : undefined;
}
