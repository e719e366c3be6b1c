import { admissionOf } from "../admission-kind.ts";
import { missing, under } from "../field-error.ts";
import { objectName } from "../metadata-validation.ts";
import { validateProtocolType } from "../networking/protocol-type.ts";
import { namespacedReference } from "../object-reference-validation.ts";
import { isEmpty } from "../semantic.ts";
import { validateContainerConcurrency } from "../serving/revision-validation.ts";
import { autoscalingAnnotations } from "./annotation-validation.ts";
import { classAnnotation, hpaClass, kpaClass, metricAnnotations, metricConcurrency, metricCpu } from "./labels.ts";
import { PodAutoscaler } from "./podautoscaler.ts";

const [metricAnnotation] = metricAnnotations;
const metricOfClass: ReadonlyMap<string, string> = new Map([
  [kpaClass, metricConcurrency],
  [hpaClass, metricCpu],
]);

/** Admission of PodAutoscalers. Source: serving v0.42.2 pkg/apis/autoscaling/v1alpha1/pa_{defaults,validation}.go. */
export const podAutoscalerAdmission = admissionOf(PodAutoscaler, {
  setDefaults({ metadata }, { config }) {
    metadata.annotations ??= {};
    const annotations = metadata.annotations;
    annotations[classAnnotation] ??= config.autoscaler.podAutoscalerClass;
    annotations[metricAnnotation] ??= metricOfClass.get(annotations[classAnnotation]) ?? "";
  },

  validate({ metadata, spec }, { config }) {
    return [
      ...under("metadata", [
        ...objectName(metadata),
        ...under("annotations", autoscalingAnnotations(metadata.annotations, config.autoscaler)),
      ]),
      ...under(
        "spec",
        isEmpty(PodAutoscaler.properties["spec"]!, spec)
          ? missing("")
          : [
              ...under("scaleTargetRef", namespacedReference(spec.scaleTargetRef)),
              ...under(
                "containerConcurrency",
                validateContainerConcurrency(spec.containerConcurrency ?? 0, config.defaults),
              ),
              ...under("protocolType", validateProtocolType(spec.protocolType)),
            ],
      ),
    ];
  },
});
