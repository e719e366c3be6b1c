import { admissionOf } from "../admission-kind.ts";
import { missing, none, under } from "../field-error.ts";
import { objectName } from "../metadata-validation.ts";
import { isEmpty } from "../semantic.ts";
import { autoscalingAnnotations } from "./annotation-validation.ts";
import { Metric } from "./metric.ts";

/** Admission of Metrics. Source: serving v0.42.2 pkg/apis/autoscaling/v1alpha1/metric_validation.go. */
export const metricAdmission = admissionOf(Metric, {
  validate({ metadata, spec }, { config }) {
    return [
      ...under("metadata", [
        ...objectName(metadata),
        ...under("annotations", autoscalingAnnotations(metadata.annotations, config.autoscaler)),
      ]),
      ...(isEmpty(Metric.properties["spec"]!, spec) ? missing("spec") : none),
    ];
  },
});
