import { admissionOf, isStatusUpdate } from "../admission-kind.ts";
import { none, under } from "../field-error.ts";
import { noAutoscalingAnnotations, objectName } from "../metadata-validation.ts";
import { creatorAndModifier, noteUser } from "../user-info.ts";
import { rolloutDurationAnnotations } from "./labels.ts";
import { validateRevisionTemplate, wholeSeconds } from "./revision-validation.ts";
import { KnativeService } from "./service.ts";
import { nameChange, setTemplateDefaults } from "./template-admission.ts";
import { setTrafficDefaults, validateTraffic } from "./traffic.ts";

const specSchema = KnativeService.properties["spec"]!;

/** Admission of Services. Source: serving v0.42.2 pkg/apis/serving/v1/service_{defaults,validation}.go. */
export const serviceAdmission = admissionOf(KnativeService, {
  setDefaults(service, context) {
    service.spec ??= {} as KnativeService["spec"];
    setTemplateDefaults(service, context);
    setTrafficDefaults(service.spec, "service");
    noteUser(service, specSchema, context);
  },

  validate(service, context) {
    const { metadata, spec } = service;
    const { old } = context;
    return [
      ...(isStatusUpdate(context)
        ? none
        : [
            ...under("metadata", [
              ...objectName(metadata),
              ...under("annotations", noAutoscalingAnnotations(metadata.annotations)),
              ...under(
                "annotations",
                wholeSeconds(metadata.annotations, rolloutDurationAnnotations, "rollout-duration"),
              ),
            ]),
            ...under("spec.template", validateRevisionTemplate(spec?.template ?? {}, metadata, context.config)),
            ...under("spec.traffic", validateTraffic(spec?.traffic, "service")),
          ]),
      ...(old ? under("metadata.annotations", creatorAndModifier(service, old, specSchema)) : none),
      ...(old ? under("spec.template", nameChange(spec?.template, old.spec?.template)) : none),
    ];
  },
});
