import { apply, type ContractCase, merge, strategic, widget, widgetDefinition, widgets } from "./samples.ts";

/** Definitions of kinds, and objects of such kinds. */
export const customResourceCases: readonly ContractCase[] = [
  {
    name: "custom resources are defaulted, pruned and validated",
    steps: [
      [
        "POST",
        widgets,
        widget("one", { size: 3, parts: [{ name: "x" }], free: { any: { thing: 1 } } }, { status: { lost: true } }),
      ],
      [
        "POST",
        widgets,
        widget("bad", { size: 0, mode: "c", name: "TOOLONG", tags: ["a", "a"], port: true, limits: { a: "b" } }),
      ],
      [
        "POST",
        widgets,
        widget("bad", { size: 11, tags: ["a", "b", "c", "d"], parts: [{ name: "x" }, { name: "x" }, {}] }),
      ],
      ["POST", widgets, widget("bad", {})],
      ["POST", widgets, { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "bad" }, spec: "text" }],
      ["POST", widgets, { apiVersion: "example.com/v2", kind: "Widget", metadata: { name: "bad" } }],
      ["PATCH", `${widgets}/one?fieldManager=m`, { spec: { size: 4, replicas: null } }, merge],
      ["PATCH", `${widgets}/one`, { spec: { size: 4 } }, strategic],
      ["PATCH", `${widgets}/one/status?fieldManager=s`, { status: { ready: true }, spec: { size: 9 } }, merge],
      ["PUT", `${widgets}/one`, widget("one", { size: 5 })],
      ["GET", `${widgets}/one/scale`],
      ["PATCH", `${widgets}/one/scale`, { spec: { replicas: 7 } }, merge],
      ["PATCH", `${widgets}/ssa?fieldManager=one`, widget("ssa", { size: 1, parts: [{ name: "a" }] }), apply],
      [
        "PATCH",
        `${widgets}/ssa?fieldManager=two`,
        widget("ssa", { size: 2, parts: [{ name: "b", weight: 3 }] }),
        apply,
      ],
      [
        "PATCH",
        `${widgets}/ssa?fieldManager=two`,
        { ...widget("ssa", {}), spec: { parts: [{ name: "b", weight: 3 }] } },
        apply,
      ],
      [
        "PATCH",
        `${widgets}/ssa?fieldManager=two`,
        { apiVersion: "example.com/v1", kind: "Widget", metadata: { name: "ssa" } },
        apply,
      ],
      ["DELETE", `${widgets}/one`],
      ["DELETE", `${widgets}/ssa`],
      ["GET", widgets],
    ],
  },
  {
    name: "custom resources name their kind and version",
    steps: [
      ["POST", widgets, { kind: "Widget", metadata: { name: "bad" }, spec: { size: 1 } }],
      ["POST", widgets, { apiVersion: "example.com/v1", metadata: { name: "bad" } }],
      ["POST", widgets, { metadata: {} }],
    ],
  },
  {
    name: "definitions that make no sense are refused",
    steps: [
      [
        "POST",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        { ...widgetDefinition, metadata: { name: "odd.example.com" } },
      ],
      [
        "POST",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
        {
          ...widgetDefinition,
          metadata: { name: "gadgets.example.com" },
          spec: {
            group: "example.com",
            scope: "Odd",
            names: { plural: "gadgets", kind: "Gadget" },
            versions: [{ name: "v1", served: true, storage: true }],
          },
        },
      ],
      ["GET", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com"],
    ],
  },
];
