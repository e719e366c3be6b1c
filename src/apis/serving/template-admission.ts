import type { AdmissionContext } from "../admission-kind.ts";
import { type Findings, none, problemWith } from "../field-error.ts";
import { goDiff } from "../go/go-diff.ts";
import type { KubeObject } from "../meta.ts";
import { setRevisionDefaults } from "./revision-defaults.ts";
import type { RevisionTemplate } from "./revision-validation.ts";

interface TemplateOwner extends KubeObject {
  spec: { template: RevisionTemplate };
}

/** Defaults of what Services and Configurations make revisions from. */
export function setTemplateDefaults(
  owner: TemplateOwner,
  { config, operation, old }: AdmissionContext<TemplateOwner>,
): void {
  owner.spec.template ??= {} as RevisionTemplate;
  const template = owner.spec.template;
  const name = template.metadata?.name;
  // A template that keeps the name that the user gave it must not change, not even by new defaults.
  if (name && name === old?.spec?.template?.metadata?.name) return;
  template.spec ??= {} as RevisionTemplate["spec"];
  setRevisionDefaults(template.spec, {
    config,
    operation,
    parent: owner.metadata,
  });
}

/** A name that the user gave to the next revision has to change with the template. */
export function nameChange(template: RevisionTemplate | undefined, old: RevisionTemplate | undefined): Findings {
  const name = template?.metadata?.name;
  if (!name || name !== old?.metadata?.name) return none;
  const difference = goDiff("{*v1.RevisionTemplateSpec}", "RevisionTemplateSpec", old, template);
  const message = "Saw the following changes without a name change (-old +new)";
  return difference === "" ? none : problemWith(difference, message, "metadata.name");
}
