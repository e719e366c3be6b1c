import { semanticEqual } from "../apis/semantic.ts";
import { podSpecDryRunAnnotation, serviceLabel, servingGroup } from "../apis/serving/labels.ts";
import { revisionTemplateSchema } from "../apis/serving/pod-template.ts";
import type { Revision } from "../apis/serving/revision.ts";
import { revisionAdmission } from "../apis/serving/revision-admission.ts";
import type { ServingConfig } from "../config/serving-config.ts";
import { reasonFor } from "../kube/errors.ts";
import type { AdmissionRequest } from "./review.ts";

/** Asks the API server to create, for trial only, the pod of a revision; rejects with what the API server says. */
export type CreatePodForTrial = (revision: Revision) => Promise<void>;

/**
 * Has the API server check the pods of a Service's or Configuration's template, where that is asked for. Resolves with
 * what is wrong, or undefined. Source: serving v0.42.2 pkg/webhook.
 */
export async function dryRunProblem(
  request: AdmissionRequest,
  config: ServingConfig,
  createPodForTrial: CreatePodForTrial,
): Promise<string | undefined> {
  if (request.operation !== "CREATE" && request.operation !== "UPDATE") return undefined;
  const { group, kind } = request.kind;
  if (group !== servingGroup || (kind !== "Service" && kind !== "Configuration")) return undefined;
  const object = request.object as Templated;
  // The Service that made the Configuration was checked already.
  if (kind === "Configuration" && (object.metadata?.labels?.[serviceLabel] ?? "") !== "") return undefined;
  const mode = modeOf(config, object.metadata?.annotations?.[podSpecDryRunAnnotation]);
  const template = object.spec?.template;
  if (!mode || !template) return undefined;
  const old = request.operation === "UPDATE" ? (request.oldObject as Templated | undefined)?.spec?.template : undefined;
  if (old && semanticEqual(revisionTemplateSchema, old, template)) return undefined;
  try {
    await createPodForTrial(makeTrialRevision(template, object.metadata?.namespace ?? "", config));
    return undefined;
  } catch (error) {
    const said = reasonFor(error);
    if (mode === "enabled" && said.includes("does not support dry run")) return undefined;
    return `dry run failed with ${said}: spec.template`;
  }
}

interface Templated {
  readonly metadata?: {
    readonly namespace?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly spec?: { readonly template?: { readonly spec?: Revision["spec"] } };
}

function modeOf({ features }: ServingConfig, wish: string | undefined): "enabled" | "strict" | undefined {
  if (features.podSpecDryRun === "Disabled") return undefined;
  if (wish === "strict" || wish === "enabled") return wish;
  return features.podSpecDryRun === "Enabled" ? "enabled" : undefined;
}

function makeTrialRevision(
  template: { readonly spec?: Revision["spec"] },
  namespace: string,
  config: ServingConfig,
): Revision {
  const revision = structuredClone({
    apiVersion: "serving.knative.dev/v1",
    kind: "Revision",
    metadata: { name: "", generateName: "dry-run-validation", namespace },
    spec: template.spec ?? {},
  }) as Revision;
  revisionAdmission.setDefaults(revision, {
    config,
    operation: undefined,
    old: undefined,
    subresource: "",
    userName: "",
  });
  return revision;
}
