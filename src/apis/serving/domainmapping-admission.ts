import { clusterDomain } from "../../lib/cluster-domain.ts";
import { goQuote } from "../../lib/go-quote.ts";
import { domainNameProblem } from "../../lib/kube-names.ts";
import { admissionOf } from "../admission-kind.ts";
import { disallowed, type Findings, missing, none, problem, problemWith, under } from "../field-error.ts";
import type { ObjectMeta } from "../meta.ts";
import { creatorAndModifier, noteUser } from "../user-info.ts";
import { DomainMapping } from "./domainmapping.ts";

const specSchema = DomainMapping.properties["spec"]!;

/** Admission of DomainMappings. Source: serving v0.42.2 pkg/apis/serving/v1beta1/domainmapping_{defaults,validation}.go. */
export const domainMappingAdmission = admissionOf(DomainMapping, {
  setDefaults(mapping, context) {
    mapping.spec ??= {} as DomainMapping["spec"];
    mapping.spec.ref ??= { kind: "", name: "" };
    const ref = mapping.spec.ref;
    if (!ref.namespace && mapping.metadata.namespace) ref.namespace = mapping.metadata.namespace;
    noteUser(mapping, specSchema, context);
  },

  validate(mapping, { old }) {
    const { metadata, spec } = mapping;
    return [
      ...under("metadata", validateName(metadata)),
      ...(old ? under("metadata.annotations", creatorAndModifier(mapping, old, specSchema)) : none),
      ...under("spec.ref", validateRef(spec?.ref ?? {}, metadata.namespace)),
    ];
  },
});

/** The name is the domain: fully qualified, and not one of the cluster's own. */
function validateName({ name = "", generateName }: ObjectMeta): Findings {
  const text = domainNameProblem("name", name);
  const isInternal = name.endsWith(`.${clusterDomain}`);
  const internal = `must not be a subdomain of cluster local domain ${goQuote(clusterDomain)}`;
  return [
    ...(generateName ? disallowed("generateName") : none),
    ...(text === undefined ? none : problem(`invalid name ${goQuote(name)}: ${text}`, "name")),
    ...(isInternal ? problem(`invalid name ${goQuote(name)}: ${internal}`, "name") : none),
  ];
}

function validateRef(ref: Partial<DomainMapping["spec"]["ref"]>, parentNamespace: string | undefined): Findings {
  const isForeign = ref.namespace && parentNamespace && ref.namespace !== parentNamespace;
  const details = `parent namespace: ${goQuote(parentNamespace ?? "")} does not match ref: ${goQuote(ref.namespace ?? "")}`;
  return [
    ...(ref.name ? none : missing("name")),
    ...(ref.group ? disallowed("group") : none),
    ...(ref.apiVersion ? none : missing("apiVersion")),
    ...(ref.kind ? none : missing("kind")),
    ...(isForeign ? problemWith(details, "mismatched namespaces", "namespace") : none),
  ];
}
