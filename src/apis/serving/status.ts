import { conditionsSchema } from "../conditions.ts";
import { bool, int64, list, maybeEmpty, object, string, stringMap } from "../schema.ts";

/** Fields that the status of every Knative kind has. */
export const commonStatusFields = {
  observedGeneration: int64("The generation of the spec that this status is about.", "dropped"),
  conditions: conditionsSchema,
  annotations: stringMap("More about the state, for tools."),
} as const;

export const addressableSchema = object("Where the object takes requests.", {
  name: string("The name of the address.", maybeEmpty),
  url: string("The URL."),
  CACerts: string("The certificates of the authority that signed the server's certificate, PEM.", maybeEmpty),
  audience: string("The audience that tokens must name.", maybeEmpty),
});

/** One share of traffic, in a Route's spec and status. */
export const trafficTargetSchema = object("A revision and its share of the requests.", {
  tag: string("A name for a URL of its own, which reaches exactly this target."),
  revisionName: string("The revision. Not together with latestRevision: true."),
  configurationName: string("The configuration whose latest ready revision is meant. Not in a Service."),
  latestRevision: bool("Whether the latest ready revision is meant; true unless revisionName is given."),
  percent: int64("The share of the requests; all shares add up to 100."),
  url: string("The target's own URL. Status only."),
});

export const trafficSchema = (description: string) => list(description, trafficTargetSchema);

export const configurationStatusFields = {
  latestReadyRevisionName: string("The latest revision that is, or was, ready."),
  latestCreatedRevisionName: string("The latest revision that was made."),
} as const;

export const routeStatusFields = {
  url: string("The URL that reaches the revisions by their shares."),
  address: addressableSchema,
  traffic: trafficSchema("The shares as they are, with every revision by name."),
} as const;
