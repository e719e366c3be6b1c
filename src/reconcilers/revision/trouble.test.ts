import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event } from "../../apis/core/event.ts";
import type { ContainerStatus, Pod } from "../../apis/core/pod.ts";
import { findTrouble, type Trouble } from "./trouble.ts";

type Status = NonNullable<Pod["status"]>;

const container = (name: string, more: Partial<ContainerStatus>): ContainerStatus => ({
  name,
  ready: false,
  restartCount: 0,
  image: "",
  imageID: "",
  ...more,
});
const pod = (name: string, status: Status, metadata: Partial<Pod["metadata"]> = {}): Pod => ({
  apiVersion: "v1",
  kind: "Pod",
  metadata: { name, creationTimestamp: "2024-01-01T00:00:00Z", ...metadata },
  spec: { containers: [] },
  status,
});
const waiting = (reason: string, message = "why") => ({ state: { waiting: { reason, message } } });
const running = { state: { running: {} } };
const warning = (reason: string, message: string, lastTimestamp = "2024-01-01T00:00:00Z"): Event => ({
  apiVersion: "v1",
  kind: "Event",
  metadata: { name: reason },
  reason,
  message,
  lastTimestamp,
});
const user = (more: Partial<ContainerStatus>): Status => ({ containerStatuses: [container("user-container", more)] });
const resources = (status: Trouble["status"], reason: string, message = "why"): Trouble => ({
  condition: "ResourcesAvailable",
  status,
  reason,
  message,
});
const unhealthy = (status: Trouble["status"], reason: string, message: string): Trouble => ({
  condition: "ContainerHealthy",
  status,
  reason,
  message,
});

interface Case {
  readonly name: string;
  readonly pods: readonly Pod[];
  readonly warnings?: readonly Event[];
  readonly timedOut?: boolean;
  readonly found: Trouble | undefined;
}

const cases: readonly Case[] = [
  { name: "no pods, no trouble", pods: [], found: undefined },
  {
    name: "a container that is being made is no trouble",
    pods: [pod("p", user(waiting("ContainerCreating")))],
    found: undefined,
  },
  {
    name: "it is, once the deadline has passed",
    pods: [pod("p", user(waiting("ContainerCreating")))],
    timedOut: true,
    found: resources("False", "ContainerCreating"),
  },
  {
    name: "the first failed pull may pass",
    pods: [pod("p", user(waiting("ErrImagePull")))],
    found: resources("Unknown", "ErrImagePull"),
  },
  {
    name: "after the deadline it may not",
    pods: [pod("p", user(waiting("ErrImagePull")))],
    timedOut: true,
    found: resources("False", "ErrImagePull"),
  },
  {
    name: "a missing key of a secret is final",
    pods: [pod("p", user(waiting("CreateContainerConfigError", "no key")))],
    found: resources("False", "CreateContainerConfigError", "no key"),
  },
  {
    name: "the sidecar's image counts too",
    pods: [pod("p", { containerStatuses: [container("queue-proxy", waiting("ImagePullBackOff"))] })],
    found: resources("False", "ImagePullBackOff"),
  },
  {
    name: "a program that ends without an error is told nevertheless",
    pods: [pod("p", user({ state: { terminated: { exitCode: 0 } } }))],
    found: unhealthy("False", "ExitCode0", "Container failed with: container exited with no error"),
  },
  {
    name: "the first exit is told before the restart",
    pods: [pod("p", user({ state: { terminated: { exitCode: 2, message: "usage" } } }))],
    found: unhealthy("False", "ExitCode2", "Container failed with: usage"),
  },
  {
    name: "a sidecar that exits is not the program",
    pods: [pod("p", { containerStatuses: [container("queue-proxy", { state: { terminated: { exitCode: 1 } } })] })],
    found: undefined,
  },
  {
    name: "an init container that fails is told by its name",
    pods: [
      pod("p", {
        initContainerStatuses: [container("migrate", { state: { terminated: { exitCode: 3, message: "no db" } } })],
      }),
    ],
    found: unhealthy("False", "ExitCode3", "Init container migrate failed with: no db"),
  },
  {
    name: "an init container that is done is no trouble",
    pods: [pod("p", { initContainerStatuses: [container("migrate", { state: { terminated: { exitCode: 0 } } })] })],
    found: undefined,
  },
  {
    name: "the latest of several warnings is told",
    pods: [pod("p", user(waiting("ContainerCreating")))],
    warnings: [warning("FailedMount", "old"), warning("FailedMount", "new", "2024-01-01T00:01:00Z")],
    found: resources("Unknown", "FailedMount", "new"),
  },
  {
    name: "a probe that fails is told while the program runs",
    pods: [pod("p", user(running))],
    warnings: [warning("Unhealthy", "statuscode: 503")],
    found: unhealthy("Unknown", "Unhealthy", "statuscode: 503"),
  },
  {
    name: "that nothing listens is told rather than that the probe fails",
    pods: [pod("p", user(running))],
    warnings: [warning("Unhealthy", "refused", "2024-01-01T00:01:00Z"), warning("PortNotServed", "it listens nowhere")],
    found: unhealthy("Unknown", "Unhealthy", "it listens nowhere"),
  },
  {
    name: "one pod's crash weighs more than another's pull",
    pods: [
      pod("a", user(waiting("ImagePullBackOff"))),
      pod("b", user({ lastState: { terminated: { exitCode: 1, message: "no" } } })),
    ],
    found: unhealthy("False", "ExitCode1", "Container failed with: no"),
  },
  {
    name: "the newest pod is asked first",
    pods: [
      pod("old", user(waiting("ImagePullBackOff", "old"))),
      pod("new", user(waiting("ImagePullBackOff", "new")), { creationTimestamp: "2024-01-02T00:00:00Z" }),
    ],
    found: resources("False", "ImagePullBackOff", "new"),
  },
  {
    name: "pods that are being deleted have nothing to say",
    pods: [pod("p", user(waiting("ImagePullBackOff")), { deletionTimestamp: "2024-01-01T00:00:00Z" })],
    found: undefined,
  },
];

for (const { name, pods, warnings = [], timedOut = false, found } of cases) {
  test(name, () =>
    assert.deepEqual(
      findTrouble(pods, () => warnings, timedOut),
      found,
    ),
  );
}
