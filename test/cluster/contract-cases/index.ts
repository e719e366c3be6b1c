import { customResourceCases } from "./custom-resources.ts";
import { listCases } from "./lists.ts";
import { ownershipCases } from "./ownership.ts";
import { policyCases } from "./policies.ts";
import { quotaCases } from "./quotas.ts";
import { requestCases } from "./requests.ts";
import { type ContractCase, core, type Step, sortedDefinition, widgetDefinition } from "./samples.ts";
import { viewCases } from "./views.ts";
import { workloadCases } from "./workloads.ts";

/** Runs before all cases; its answers are not compared. */
export const setUp: readonly Step[] = [
  ["POST", "/api/v1/namespaces", { apiVersion: "v1", kind: "Namespace", metadata: { name: "contract" } }],
  ["POST", `${core}/serviceaccounts`, { apiVersion: "v1", kind: "ServiceAccount", metadata: { name: "default" } }],
  ["POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", widgetDefinition],
  ["POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", sortedDefinition],
];

/** Runs after all cases. */
export const tearDown: readonly Step[] = [
  ["DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"],
  ["DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/letters.sorted.example.com"],
  ["DELETE", "/api/v1/namespaces/contract"],
];

/** All cases, in the order in which they were recorded: some see what those before them have left. */
export const cases: readonly ContractCase[] = [
  ...requestCases,
  ...workloadCases,
  ...ownershipCases,
  ...customResourceCases,
  ...listCases,
  ...policyCases,
  ...viewCases,
  ...quotaCases,
];
