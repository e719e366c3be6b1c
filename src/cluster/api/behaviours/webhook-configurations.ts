import { dnsSubdomain } from "../names.ts";
import type { Behaviour } from "../resource.ts";
import { type FieldError, invalidValue, required } from "../status-errors.ts";
import { type Fields, isMap, mapOf, mapsIn, textOf } from "../typed-values.ts";

/** Both kinds of webhook configuration. Source: k8s.io/kubernetes pkg/apis/admissionregistration. */
export function webhookConfiguration(mutating: boolean): Behaviour {
  return {
    countsGenerations: true,
    needsRevision: true,
    setDefaults(item) {
      for (const webhook of mapsIn(item["webhooks"])) {
        webhook["failurePolicy"] ??= "Fail";
        webhook["matchPolicy"] ??= "Equivalent";
        webhook["namespaceSelector"] ??= {};
        webhook["objectSelector"] ??= {};
        webhook["timeoutSeconds"] ??= 10;
        if (mutating) webhook["reinvocationPolicy"] ??= "Never";
        const service = mapOf(webhook["clientConfig"])["service"];
        if (isMap(service)) service["port"] ??= 443;
        for (const rule of mapsIn(webhook["rules"])) rule["scope"] ??= "*";
      }
    },
    validate(item) {
      return mapsIn(item["webhooks"]).flatMap((webhook, index) => validateWebhook(webhook, `webhooks[${index}]`));
    },
    warnings(item) {
      return mapsIn(item["webhooks"])
        .filter((webhook) => mapsIn(webhook["matchConditions"]).length > 0)
        .map(
          ({ name }) =>
            `webhook ${textOf(name)}: the embedded cluster does not evaluate matchConditions; all requests are sent`,
        );
    },
  };
}

function validateWebhook(webhook: Fields, field: string): FieldError[] {
  const errors: FieldError[] = [];
  const name = textOf(webhook["name"]);
  if (name === "") errors.push(required(`${field}.name`));
  else {
    const problem = dnsSubdomain(name);
    if (problem) errors.push(invalidValue(`${field}.name`, name, problem));
    else if (name.split(".").length < 3) {
      errors.push(
        invalidValue(`${field}.name`, name, "should be a domain with at least three segments separated by dots"),
      );
    }
  }
  const effects = textOf(webhook["sideEffects"]);
  if (effects !== "None" && effects !== "NoneOnDryRun") {
    errors.push({
      field: `${field}.sideEffects`,
      reason: "FieldValueNotSupported",
      text: `Unsupported value: ${JSON.stringify(effects)}: supported values: "None", "NoneOnDryRun"`,
    });
  }
  const config = mapOf(webhook["clientConfig"]);
  if ((config["url"] === undefined) === (config["service"] === undefined)) {
    errors.push(required(`${field}.clientConfig`, "exactly one of url or service is required"));
  }
  const versions = webhook["admissionReviewVersions"];
  if (!Array.isArray(versions) || versions.length === 0) {
    errors.push(required(`${field}.admissionReviewVersions`, "must specify one of v1, v1beta1"));
  } else if (!versions.includes("v1") && !versions.includes("v1beta1")) {
    errors.push(invalidValue(`${field}.admissionReviewVersions`, versions, "must include at least one of v1, v1beta1"));
  }
  const seconds = webhook["timeoutSeconds"];
  if (typeof seconds === "number" && (seconds < 1 || seconds > 30)) {
    errors.push(invalidValue(`${field}.timeoutSeconds`, seconds, "the timeout value must be between 1 and 30 seconds"));
  }
  return errors;
}
