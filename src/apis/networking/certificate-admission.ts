import { admissionOf } from "../admission-kind.ts";
import { each, invalidValue, missing, none, under } from "../field-error.ts";
import { Certificate } from "./certificate.ts";

/** Admission of Certificates. Source: knative.dev/networking pkg/apis/networking/v1alpha1, as serving v0.42.2 requires it. */
export const certificateAdmission = admissionOf(Certificate, {
  validate({ spec }) {
    const { dnsNames = [], secretName, domain } = spec ?? {};
    const isCovered = dnsNames.some((name) => name === domain || name.endsWith(`.${domain}`));
    const advice = "domain must be a suffix of, or match exactly, at least one entry in dnsNames";
    return under("spec", [
      ...(dnsNames.length > 0 ? none : missing("dnsNames")),
      ...under(
        "dnsNames",
        each(dnsNames, (name) => (name === "" ? invalidValue(name, "") : none)),
      ),
      ...(secretName ? none : missing("secretName")),
      ...(domain && dnsNames.length > 0 && !isCovered ? invalidValue("domain", advice) : none),
    ]);
  },
});
