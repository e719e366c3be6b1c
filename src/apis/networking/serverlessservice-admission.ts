import { goQuote } from "../../lib/go-quote.ts";
import { admissionOf } from "../admission-kind.ts";
import { type Findings, invalidKey, invalidValue, missing, none, under } from "../field-error.ts";
import { namespacedReference } from "../object-reference-validation.ts";
import { isEmpty } from "../semantic.ts";
import {
  certificateClassAnnotations,
  disableExternalDomainTlsAnnotations,
  httpProtocolAnnotations,
  ingressClassAnnotations,
} from "./labels.ts";
import { validateProtocolType } from "./protocol-type.ts";
import { ServerlessService } from "./serverlessservice.ts";

/** Admission of ServerlessServices. Source: knative.dev/networking pkg/apis/networking/v1alpha1, as serving v0.42.2 requires it. */
export const serverlessServiceAdmission = admissionOf(ServerlessService, {
  validate({ metadata, spec }) {
    const found = under("annotations", knownAnnotations(metadata.annotations));
    if (isEmpty(ServerlessService.properties["spec"]!, spec)) return [...found, ...missing("spec")];
    const { mode, numActivators = 0, objectRef, protocolType } = spec;
    return [
      ...found,
      ...under("spec", [
        ...(mode ? none : missing("mode")),
        ...(!mode || mode === "Proxy" || mode === "Serve" ? none : invalidValue(mode, "mode")),
        ...(numActivators < 0 ? invalidValue(numActivators, "numActivators") : none),
        ...under("objectRef", namespacedReference(objectRef)),
        ...under("protocolType", validateProtocolType(protocolType)),
      ]),
    ];
  },
});

const known: readonly string[] = [
  ...ingressClassAnnotations,
  ...certificateClassAnnotations,
  ...disableExternalDomainTlsAnnotations,
  ...httpProtocolAnnotations,
];

/** Annotations of the networking group that nobody knows are mistakes. */
function knownAnnotations(annotations: Readonly<Record<string, string>> | undefined): Findings {
  return Object.keys(annotations ?? {})
    .filter((key) => key.startsWith("networking.knative.dev") && !known.includes(key))
    .flatMap((key) => invalidKey(goQuote(key), ""));
}
