import { apply, apps, type ContractCase, configMap, core, deployment, merge, widget, widgets } from "./samples.ts";

const lastApplied = "kubectl.kubernetes.io/last-applied-configuration";
const applied = (metadata: object) => ({ apiVersion: "v1", kind: "ConfigMap", metadata });
const finalized = (...finalizers: string[]) => applied({ name: "set", ...(finalizers.length > 0 && { finalizers }) });
const annotated = (annotations: Record<string, string>) =>
  applied({ namespace: "contract", name: "last", annotations });

/** Who owns objects and their fields: finalizers, server-side apply. */
export const ownershipCases: readonly ContractCase[] = [
  {
    name: "finalizers and propagation policies hold deleted objects",
    steps: [
      ["POST", `${core}/configmaps`, configMap("held", {}, { finalizers: ["example.com/hold"] })],
      ["DELETE", `${core}/configmaps/held`],
      [
        "PATCH",
        `${core}/configmaps/held`,
        { metadata: { finalizers: ["example.com/hold", "example.com/more"] } },
        merge,
      ],
      ["PATCH", `${core}/configmaps/held`, { metadata: { finalizers: null } }, merge],
      ["GET", `${core}/configmaps/held`],
    ],
  },
  {
    name: "server-side apply creates, owns, conflicts, forces and prunes",
    steps: [
      ["PATCH", `${core}/configmaps/applied`, configMap("applied"), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=one`, configMap("applied", { a: "1", b: "2" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { a: "9" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { a: "9", b: "8" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { b: "2", c: "3" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two&force=true`, configMap("applied", { a: "9" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=one`, configMap("applied", { b: "2" }), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=one`, configMap("applied", {}), apply],
      ["PATCH", `${core}/configmaps/applied?fieldManager=up`, { data: { a: "10" } }, merge],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, configMap("applied", { a: "9" }), apply],
      [
        "PATCH",
        `${core}/configmaps/applied?fieldManager=two`,
        configMap("applied", {}, { managedFields: [{}] }),
        apply,
      ],
      ["PATCH", `${core}/configmaps/applied?fieldManager=two`, { ...configMap("applied"), apiVersion: "v2" }, apply],
      ["PATCH", `${core}/configmaps/applied?force=true`, {}, merge],
      ["PATCH", `${core}/configmaps/applied`, { metadata: { managedFields: [] } }, merge],
    ],
  },
  {
    name: "server-side apply joins keyed lists",
    steps: [
      [
        "PATCH",
        `${apps}/deployments/ssa?fieldManager=one`,
        deployment("ssa", {}, [{ name: "a", image: "i:1", ports: [{ containerPort: 80 }] }]),
        apply,
      ],
      [
        "PATCH",
        `${apps}/deployments/ssa?fieldManager=two`,
        {
          apiVersion: "apps/v1",
          kind: "Deployment",
          metadata: { name: "ssa" },
          spec: {
            template: {
              spec: {
                containers: [
                  { name: "b", image: "i:1" },
                  { name: "a", env: [{ name: "E", value: "1" }] },
                ],
              },
            },
          },
        },
        apply,
      ],
      [
        "PATCH",
        `${apps}/deployments/ssa?fieldManager=two`,
        { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "ssa" } },
        apply,
      ],
      [
        "PATCH",
        `${apps}/deployments/ssa/status?fieldManager=status`,
        { status: { replicas: 0, observedGeneration: 1 } },
        merge,
      ],
      ["DELETE", `${apps}/deployments/ssa`],
    ],
  },
  {
    name: "server-side apply joins sets",
    steps: [
      ["PATCH", `${widgets}/set?fieldManager=one`, widget("set", { size: 1, tags: ["a", "b"] }), apply],
      ["PATCH", `${widgets}/set?fieldManager=two`, { ...widget("set"), spec: { tags: ["b", "c"] } }, apply],
      ["PATCH", `${widgets}/set?fieldManager=one`, widget("set", { size: 1 }), apply],
      ["DELETE", `${widgets}/set`],
      ["PATCH", `${core}/configmaps/set?fieldManager=one`, finalized("example.com/a"), apply],
      ["PATCH", `${core}/configmaps/set?fieldManager=two`, finalized("example.com/b"), apply],
      ["PATCH", `${core}/configmaps/set?fieldManager=one`, finalized(), apply],
      ["PATCH", `${core}/configmaps/set?fieldManager=two`, finalized(), apply],
    ],
  },
  {
    name: "server-side apply keeps what kubectl applied last",
    steps: [
      ["PATCH", `${core}/configmaps/last?fieldManager=other`, annotated({ [lastApplied]: "{}" }), apply],
      ["PATCH", `${core}/configmaps/last?fieldManager=other`, annotated({ [lastApplied]: "{}", a: "b" }), apply],
      ["PATCH", `${core}/configmaps/last?fieldManager=kubectl`, annotated({ a: "b" }), apply],
      ["DELETE", `${core}/configmaps/last`],
      ["PATCH", `${core}/configmaps/last?fieldManager=kubectl`, annotated({ a: "b" }), apply],
      ["DELETE", `${core}/configmaps/last`],
    ],
  },
];
