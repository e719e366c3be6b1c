import { admissionOf } from "../admission-kind.ts";
import { none, under } from "../field-error.ts";
import { noAutoscalingAnnotations, objectName, ownerLabel } from "../metadata-validation.ts";
import { creatorAndModifier, noteUser } from "../user-info.ts";
import { rolloutDurationAnnotations, serviceLabel } from "./labels.ts";
import { wholeSeconds } from "./revision-validation.ts";
import { Route } from "./route.ts";
import { setTrafficDefaults, validateTraffic } from "./traffic.ts";

const specSchema = Route.properties["spec"]!;

/** Admission of Routes. Source: serving v0.42.2 pkg/apis/serving/v1/route_{defaults,validation}.go. */
export const routeAdmission = admissionOf(Route, {
  setDefaults(route, context) {
    route.spec ??= {};
    setTrafficDefaults(route.spec, "route");
    if (!route.metadata.ownerReferences) noteUser(route, specSchema, context);
  },

  validate(route, { old }) {
    const { metadata, spec } = route;
    const isOwned = metadata.ownerReferences !== undefined;
    return [
      ...under("metadata", [
        ...objectName(metadata),
        ...under("annotations", noAutoscalingAnnotations(metadata.annotations)),
        ...under("labels", ownerLabel(metadata, serviceLabel, "Service")),
        ...under("annotations", wholeSeconds(metadata.annotations, rolloutDurationAnnotations, "rollout-duration")),
      ]),
      ...under("spec.traffic", validateTraffic(spec?.traffic, "route")),
      ...(old && !isOwned ? under("metadata.annotations", creatorAndModifier(route, old, specSchema)) : none),
    ];
  },
});
