import { apply, apps, type ContractCase, configMap, core, deployment, merge } from "./samples.ts";

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
];
