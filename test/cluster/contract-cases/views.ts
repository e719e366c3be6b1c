import {
  apps,
  type ContractCase,
  configMap,
  core,
  deployment,
  merge,
  pod,
  podSpec,
  type Step,
  service,
  table,
  widget,
  widgets,
} from "./samples.ts";

const slices = "/apis/discovery.k8s.io/v1/namespaces/contract/endpointslices";
const budgets = "/apis/policy/v1/namespaces/contract/poddisruptionbudgets";
const sliceOf = (name: string, count: number) => ({
  apiVersion: "discovery.k8s.io/v1",
  kind: "EndpointSlice",
  metadata: { name },
  addressType: "IPv4",
  endpoints: Array.from({ length: count }, (_, index) => ({ addresses: [`10.0.0.${index + 1}`] })),
  ports: [{ port: 80 }],
});

/** What kubectl prints and follows: tables and watches. */
export const viewCases: readonly ContractCase[] = [
  {
    name: "tables have the columns and cells that kubectl prints",
    steps: [
      ["POST", `${core}/configmaps`, configMap("table")],
      [
        "POST",
        `${core}/services`,
        service("table", {
          type: "NodePort",
          selector: { a: "b", c: "d" },
          ports: [
            { name: "a", port: 80, nodePort: 30123 },
            { name: "b", port: 81, protocol: "UDP", nodePort: 30124 },
          ],
          externalIPs: ["192.0.2.1"],
        }),
      ],
      [
        "POST",
        `${apps}/deployments`,
        deployment("table", { replicas: 3 }, [
          { name: "a", image: "i:1" },
          { name: "b", image: "j:2" },
        ]),
      ],
      [
        "PATCH",
        `${apps}/deployments/table/status`,
        { status: { replicas: 3, updatedReplicas: 2, readyReplicas: 1, availableReplicas: 1, unavailableReplicas: 2 } },
        merge,
      ],
      [
        "POST",
        `${core}/pods`,
        pod("table", {
          ...podSpec([
            { name: "a", image: "i" },
            { name: "b", image: "i" },
          ]),
          initContainers: [{ name: "i", image: "i" }],
          nodeName: "nowhere",
        }),
      ],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      [
        "PATCH",
        `${core}/pods/table/status`,
        {
          status: {
            phase: "Pending",
            initContainerStatuses: [
              {
                name: "i",
                image: "i",
                imageID: "",
                ready: false,
                restartCount: 2,
                state: { waiting: { reason: "CrashLoopBackOff" } },
              },
            ],
          },
        },
        merge,
      ],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      [
        "PATCH",
        `${core}/pods/table/status`,
        {
          status: {
            phase: "Running",
            podIP: "10.1.2.3",
            podIPs: [{ ip: "10.1.2.3" }],
            initContainerStatuses: [
              {
                name: "i",
                image: "i",
                imageID: "",
                ready: true,
                restartCount: 0,
                state: { terminated: { exitCode: 0, reason: "Completed" } },
              },
            ],
            containerStatuses: [
              { name: "a", image: "i", imageID: "", ready: true, restartCount: 1, state: { running: {} } },
              {
                name: "b",
                image: "i",
                imageID: "",
                ready: false,
                restartCount: 0,
                state: { terminated: { exitCode: 3 } },
              },
            ],
          },
        },
        merge,
      ],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      ["GET", `${core}/pods?includeObject=None`, undefined, undefined, table],
      ["DELETE", `${core}/pods/table`],
      ["GET", `${core}/pods/table`, undefined, undefined, table],
      ["DELETE", `${core}/pods/table?gracePeriodSeconds=0`],
      ["GET", `${apps}/deployments/table`, undefined, undefined, table],
      ["GET", `${core}/services/table`, undefined, undefined, table],
      ["GET", `${core}/configmaps/table`, undefined, undefined, table],
      ["POST", widgets, widget("table", { size: 3, mode: "a" })],
      [
        "PATCH",
        `${widgets}/table/status`,
        {
          status: {
            conditions: [
              { type: "Other", status: "False" },
              { type: "Ready", status: "True" },
            ],
          },
        },
        merge,
      ],
      ["GET", `${widgets}/table`, undefined, undefined, table],
      ["GET", `${widgets}/table`, undefined, undefined, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"],
      ["DELETE", `${widgets}/table`],
      [
        "GET",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com",
        undefined,
        undefined,
        table,
      ],
      ["GET", "/apis/coordination.k8s.io/v1/namespaces/contract/leases/l", undefined, undefined, table],
      ["GET", "/apis/rbac.authorization.k8s.io/v1/namespaces/contract/rolebindings/a:b", undefined, undefined, table],
      ["GET", "/apis/discovery.k8s.io/v1/namespaces/contract/endpointslices/es", undefined, undefined, table],
      ["GET", "/api/v1/namespaces/contract", undefined, undefined, table],
      ["GET", `${core}/serviceaccounts/default`, undefined, undefined, table],
      ["GET", `${core}/secrets/s`, undefined, undefined, table],
      ["GET", `${core}/events/e`, undefined, undefined, table],
      ["GET", `${core}/configmaps/table`, undefined, undefined, "text/html"],
    ],
  },
  {
    name: "tables shorten what is long and say what is not set",
    steps: [
      ["POST", `${core}/services`, service("loose", { clusterIP: "None", ports: [{ port: 80 }] })],
      ["GET", `${core}/services/loose`, undefined, undefined, table],
      ["GET", `${core}/services?fieldSelector=spec.clusterIP%3DNone`, undefined, undefined, table],
      [
        "GET",
        `${core}/services?fieldSelector=spec.clusterIP!%3DNone,metadata.name%3Dloose`,
        undefined,
        undefined,
        table,
      ],
      ["DELETE", `${core}/services/loose`],
      ...[3, 4].flatMap((count): Step[] => [
        ["POST", slices, sliceOf(`of${count}`, count)],
        ["GET", `${slices}/of${count}`, undefined, undefined, table],
        ["DELETE", `${slices}/of${count}`],
      ]),
      ...[{ maxUnavailable: 1 }, { minAvailable: "50%" }].flatMap((spec): Step[] => [
        ["POST", budgets, { apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: { name: "t" }, spec }],
        ["GET", `${budgets}/t`, undefined, undefined, table],
        ["DELETE", `${budgets}/t`],
      ]),
      ["GET", "/apis/sorted.example.com"],
    ],
  },
  {
    name: "watches tell what is there",
    steps: [
      ["POST", `${core}/configmaps`, configMap("watched", { a: "1" }, { labels: { w: "1" } })],
      ["GET", `${core}/configmaps?watch=1&timeoutSeconds=1&labelSelector=w`],
      [
        "GET",
        `${core}/configmaps?watch=true&timeoutSeconds=1&labelSelector=w&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan`,
      ],
      ["GET", `${core}/configmaps?watch=true&timeoutSeconds=1&sendInitialEvents=true`],
      ["GET", `${core}/configmaps/watched?watch=true&timeoutSeconds=1`],
      ["POST", `${core}/configmaps`, configMap("watched2", { a: "1" }, { labels: { w: "1" } })],
      ["GET", `${core}/configmaps?watch=true&timeoutSeconds=1&labelSelector=w`, undefined, undefined, table],
      ["DELETE", `${core}/configmaps/watched2`],
    ],
  },
];
