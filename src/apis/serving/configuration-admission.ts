import { admissionOf, isStatusUpdate } from "../admission-kind.ts";
import { none, under } from "../field-error.ts";
import { noAutoscalingAnnotations, objectName, ownerLabel } from "../metadata-validation.ts";
import { creatorAndModifier, noteUser } from "../user-info.ts";
import { Configuration } from "./configuration.ts";
import { serviceLabel } from "./labels.ts";
import { validateRevisionTemplate } from "./revision-validation.ts";
import { nameChange, setTemplateDefaults } from "./template-admission.ts";

const specSchema = Configuration.properties["spec"]!;

/** Admission of Configurations. Source: serving v0.42.2 pkg/apis/serving/v1/configuration_{defaults,validation}.go. */
export const configurationAdmission = admissionOf(Configuration, {
  setDefaults(configuration, context) {
    configuration.spec ??= {} as Configuration["spec"];
    setTemplateDefaults(configuration, context);
    if (!configuration.metadata.ownerReferences) noteUser(configuration, specSchema, context);
  },

  validate(configuration, context) {
    const { metadata, spec } = configuration;
    const { old } = context;
    const isOwned = metadata.ownerReferences !== undefined;
    return [
      ...(isStatusUpdate(context)
        ? none
        : [
            ...under("metadata", [
              ...objectName(metadata),
              ...under("annotations", noAutoscalingAnnotations(metadata.annotations)),
              ...under("labels", ownerLabel(metadata, serviceLabel, "Service")),
            ]),
            ...under("spec.template", validateRevisionTemplate(spec?.template ?? {}, metadata, context.config)),
          ]),
      ...(old && !isOwned ? under("metadata.annotations", creatorAndModifier(configuration, old, specSchema)) : none),
      ...(old ? under("spec.template", nameChange(spec?.template, old.spec?.template)) : none),
    ];
  },
});
