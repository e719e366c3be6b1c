import { admissionOf } from "../admission-kind.ts";
import { autoscalingAnnotations } from "../autoscaling/annotation-validation.ts";
import { type Findings, none, problemWith, under } from "../field-error.ts";
import { goDiff } from "../go/go-diff.ts";
import { objectName, ownerLabel } from "../metadata-validation.ts";
import { configurationLabel } from "./labels.ts";
import { Revision, type RevisionSpec } from "./revision.ts";
import { setRevisionDefaults } from "./revision-defaults.ts";
import { validateRevisionSpec } from "./revision-validation.ts";

/** Admission of Revisions. Source: serving v0.42.2 pkg/apis/serving/v1/revision_{defaults,validation}.go. */
export const revisionAdmission = admissionOf(Revision, {
  setDefaults(revision, { config, operation }) {
    // A revision cannot be changed, so new defaults do not reach it.
    if (operation === "UPDATE") return;
    revision.spec ??= {} as RevisionSpec;
    setRevisionDefaults(revision.spec, { config, operation, parent: {} });
  },

  validate(revision, { config, operation, old }) {
    const changed = old ? unchangeable(old.spec, revision.spec) : none;
    if (changed.length > 0) return changed;
    const { metadata, spec } = revision;
    return [
      ...under("metadata", [
        ...objectName(metadata),
        ...under("annotations", autoscalingAnnotations(metadata.annotations, config.autoscaler)),
        ...under("labels", ownerLabel(metadata, configurationLabel, "Configuration")),
      ]),
      ...(operation === "UPDATE" ? none : under("spec", validateRevisionSpec(spec ?? {}, config))),
    ];
  },
});

function unchangeable(old: Revision["spec"], spec: Revision["spec"]): Findings {
  const difference = goDiff("{v1.RevisionSpec}", "RevisionSpec", old, spec);
  return difference === "" ? none : problemWith(difference, "Immutable fields changed (-old +new)", "spec");
}
