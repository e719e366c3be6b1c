import type { Behaviour } from "../resource.ts";
import { customResourceDefinition } from "./definitions.ts";

/** What the server does for each built-in kind beyond storing it, by storage key. */
export const behaviours: Readonly<Record<string, Behaviour>> = {
  "apiextensions.k8s.io/customresourcedefinitions": customResourceDefinition,
};
