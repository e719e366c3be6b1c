import { type Findings, invalidValue, missing, none } from "../field-error.ts";

/** The protocol of a container: http1 or h2c. Source: knative.dev/networking ProtocolType. */
export function validateProtocolType(protocol: string | undefined): Findings {
  if (!protocol) return missing("");
  return protocol === "http1" || protocol === "h2c" ? none : invalidValue(protocol, "");
}
