import assert from "node:assert/strict";
import { describe, it } from "node:test";
import type { Pod } from "../../../apis/core/pod.ts";
import type { Service } from "../../../apis/core/service.ts";
import { backendsOf, makeSliceContents, makeSubsets } from "./backends.ts";
import { mirrorOf } from "./mirroring.ts";

const service = (spec: Partial<NonNullable<Service["spec"]>> = {}): Service => ({
  apiVersion: "v1",
  kind: "Service",
  metadata: { name: "web", namespace: "ns" },
  spec: { selector: { app: "web" }, ports: [{ name: "http", port: 80, targetPort: "http" }], ...spec },
});
const pod = (
  name: string,
  ip: string | undefined,
  more: { ready?: boolean; phase?: "Failed"; leaving?: true; port?: number } = {},
): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: {
    name,
    namespace: "ns",
    uid: `uid-${name}`,
    ...(more.leaving && { deletionTimestamp: "2024-01-01T00:00:00Z" }),
  },
  spec: { nodeName: "n", containers: [{ name: "c", ports: [{ name: "http", containerPort: more.port ?? 8080 }] }] },
  status: {
    phase: more.phase ?? "Running",
    ...(ip && { podIP: ip }),
    conditions: [{ type: "Ready", status: more.ready === false ? "False" : "True" }],
  },
});
const addresses = (found: ReturnType<typeof makeSubsets>) =>
  found.map(({ addresses: ready = [], notReadyAddresses = [], ports = [] }) => [
    ready.map(({ ip }) => ip),
    notReadyAddresses.map(({ ip }) => ip),
    ports.map(({ port }) => port),
  ]);
const conditions = (found: ReturnType<typeof makeSliceContents>) =>
  found.flatMap(({ endpoints = [] }) =>
    endpoints.map(({ addresses: [ip], conditions: { ready, serving, terminating } = {} }) => [
      ip,
      ready,
      serving,
      terminating,
    ]),
  );

describe("the endpoints of a Service", () => {
  const rows: [name: string, service: Service, pods: Pod[], subsets: unknown[], slices: unknown[]][] = [
    [
      "are the ready pods, with the number of the named port",
      service(),
      [pod("a", "1.1.1.1")],
      [[["1.1.1.1"], [], [8080]]],
      [["1.1.1.1", true, true, false]],
    ],
    [
      "tell apart those that are not ready",
      service(),
      [pod("a", "1.1.1.1", { ready: false })],
      [[[], ["1.1.1.1"], [8080]]],
      [["1.1.1.1", false, false, false]],
    ],
    [
      "include them as ready where asked to",
      service({ publishNotReadyAddresses: true }),
      [pod("a", "1.1.1.1", { ready: false })],
      [[["1.1.1.1"], [], [8080]]],
      [["1.1.1.1", true, false, false]],
    ],
    [
      "show pods that are being deleted in slices only, as serving",
      service(),
      [pod("a", "1.1.1.1", { leaving: true })],
      [],
      [["1.1.1.1", false, true, true]],
    ],
    [
      "leave out pods that have ended or have no address",
      service(),
      [pod("a", "1.1.1.1", { phase: "Failed" }), pod("b", undefined)],
      [],
      [],
    ],
    [
      "are grouped by what the named port is in each pod",
      service(),
      [pod("a", "1.1.1.1"), pod("b", "1.1.1.2", { port: 9090 }), pod("c", "1.1.1.3")],
      [
        [["1.1.1.1", "1.1.1.3"], [], [8080]],
        [["1.1.1.2"], [], [9090]],
      ],
      [
        ["1.1.1.1", true, true, false],
        ["1.1.1.3", true, true, false],
        ["1.1.1.2", true, true, false],
      ],
    ],
    [
      "leave out pods without the named port",
      service({ ports: [{ port: 80, targetPort: "other" }] }),
      [pod("a", "1.1.1.1")],
      [],
      [],
    ],
    [
      "have the Service's own port where no target is told",
      service({ ports: [{ port: 81 }] }),
      [pod("a", "1.1.1.1")],
      [[["1.1.1.1"], [], [81]]],
      [["1.1.1.1", true, true, false]],
    ],
    [
      "need no port with a headless Service",
      service({ ports: [], clusterIP: "None" }),
      [pod("a", "1.1.1.1")],
      [[["1.1.1.1"], [], []]],
      [["1.1.1.1", true, true, false]],
    ],
  ];
  for (const [name, given, pods, subsets, slices] of rows) {
    it(name, () => {
      const backends = backendsOf(given, pods);
      assert.deepEqual(addresses(makeSubsets(given, backends)), subsets);
      assert.deepEqual(conditions(makeSliceContents(given, backends)), slices);
    });
  }

  it("are spread over slices of 100", () => {
    const pods = Array.from({ length: 230 }, (_, index) => pod(`p${index}`, `10.0.${index >> 8}.${index & 255}`));
    const slices = makeSliceContents(service(), backendsOf(service(), pods));
    assert.deepEqual(
      slices.map(({ endpoints = [] }) => endpoints.length),
      [100, 100, 30],
    );
  });

  it("made by hand are mirrored, each family apart", () => {
    const subsets = [
      { addresses: [{ ip: "1.1.1.1" }, { ip: "::1" }], notReadyAddresses: [{ ip: "1.1.1.2" }], ports: [{ port: 80 }] },
    ];
    const slices = mirrorOf({ apiVersion: "v1", kind: "Endpoints", metadata: { name: "web" }, subsets });
    assert.deepEqual(
      slices.map(({ addressType, endpoints = [] }) => [
        addressType,
        endpoints.map(({ addresses: [ip], conditions }) => [ip, conditions?.ready]),
      ]),
      [
        [
          "IPv4",
          [
            ["1.1.1.1", true],
            ["1.1.1.2", false],
          ],
        ],
        ["IPv6", [["::1", true]]],
      ],
    );
    assert.deepEqual(slices[0]?.ports, [{ name: "", protocol: "TCP", port: 80 }]);
  });
});
