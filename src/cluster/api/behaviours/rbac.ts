import { rbacGroup } from "../../../apis/core/rbac.ts";
import { pathSegment } from "../names.ts";
import type { Behaviour } from "../resource.ts";
import { type FieldError, invalidValue, required } from "../status-errors.ts";
import { isDeepEqual, mapOf, mapsIn } from "../typed-values.ts";

export const role: Behaviour = {
  createsOnUpdate: true,
  nameRule: pathSegment,
  validate: ({ rules }) => validateRules(rules),
};

function validateRules(rules: unknown): FieldError[] {
  return mapsIn(rules).flatMap((rule, index) => {
    const at = `rules[${index}]`;
    const listed = (name: string) => Array.isArray(rule[name]) && (rule[name] as unknown[]).length > 0;
    const errors: FieldError[] = [];
    if (!listed("verbs")) errors.push(required(`${at}.verbs`, "verbs must contain at least one value"));
    if (listed("nonResourceURLs")) return errors;
    if (!listed("apiGroups"))
      errors.push(required(`${at}.apiGroups`, "resource rules must supply at least one api group"));
    if (!listed("resources"))
      errors.push(required(`${at}.resources`, "resource rules must supply at least one resource"));
    return errors;
  });
}

export const roleBinding: Behaviour = {
  createsOnUpdate: true,
  nameRule: pathSegment,
  setDefaults(item) {
    const reference = mapOf(item["roleRef"]);
    reference["apiGroup"] ||= rbacGroup;
    for (const subject of mapsIn(item["subjects"])) {
      if (subject["kind"] === "User" || subject["kind"] === "Group") subject["apiGroup"] ??= rbacGroup;
    }
  },
  validate(item, stored) {
    const errors: FieldError[] = [];
    const reference = mapOf(item["roleRef"]);
    if (!reference["name"]) errors.push(required("roleRef.name"));
    if (stored && !isDeepEqual(stored["roleRef"], item["roleRef"])) {
      const shown = { APIGroup: reference["apiGroup"], Kind: reference["kind"], Name: reference["name"] };
      errors.push(invalidValue("roleRef", shown, "cannot change roleRef"));
    }
    for (const [index, subject] of mapsIn(item["subjects"]).entries()) {
      if (!subject["name"]) errors.push(required(`subjects[${index}].name`));
      if (subject["kind"] === "ServiceAccount" && !subject["namespace"] && item.kind === "ClusterRoleBinding") {
        errors.push(required(`subjects[${index}].namespace`));
      }
    }
    return errors;
  },
};
