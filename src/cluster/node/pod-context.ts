import type { ContainerStatus, Pod } from "../../apis/core/pod.ts";
import type { Service } from "../../apis/core/service.ts";
import type { Client, EventRecorder, Lister } from "../../kube/api.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import type { LoopbackMode } from "../shared-loopback.ts";
import type { Place } from "./downward.ts";
import type { ImagePuller } from "./images.ts";
import type { UserPort } from "./user-port.ts";
import type { VolumePaths } from "./volumes/mount.ts";
import type { TokenSource } from "./volumes/token.ts";

/** What all pods of the node share. */
export interface NodeContext {
  readonly client: Client;
  readonly clock: Clock;
  readonly log: Logger;
  readonly images: ImagePuller;
  readonly services: Lister<Service>;
  readonly tokens: TokenSource;
  /** Where pods keep their state; each has a directory named by its uid. */
  readonly podsDirectory: string;
  readonly claimsDirectory: string;
  readonly shim: string;
  readonly lifeline: number | undefined;
  /** Notes from now on when the lines of this log come. */
  readonly trackLog: (file: string) => void;
  /** Begins the token of every container of this cluster. */
  readonly mark: string;
  /** The PATH of containers whose image sets none; the directory of our own runtime always comes first. */
  readonly path: string;
  readonly runtimeDirectory: string;
  readonly nodeName: string;
  readonly hostIP: string;
  readonly allocatable: Readonly<Record<string, string>>;
  /** Host and port at which pods reach the API server. */
  readonly apiServer: { readonly host: string; readonly port: number };
  readonly loopback: LoopbackMode;
}

/** An init container runs to its end, a sidecar is started anew whatever the pod's restart policy. */
export type ContainerKind = "init" | "sidecar" | "main";

/** What the containers of one pod share. */
export interface PodContext {
  readonly node: NodeContext;
  /** The pod as it is run: with the port that its program was given. */
  readonly pod: () => Pod;
  readonly directory: string;
  readonly place: Place;
  readonly userPort: UserPort | undefined;
  readonly volumes: () => VolumePaths;
  readonly events: EventRecorder;
  /** What the API said of a container when this agent began with the pod; undefined when it did not know it. */
  readonly knownStatus: (container: string) => ContainerStatus | undefined;
  /** The pod is to end: containers stop in good order. */
  readonly stopping: AbortSignal;
  /** No more patience: containers are killed. */
  readonly killing: AbortSignal;
  /** The whole cluster stops: nobody sends requests any more that a preStop hook would wait for. */
  readonly halting: () => boolean;
  /** How long containers have to end, from the start of `stopping`. */
  readonly graceMs: () => number;
  /** The state of a container has changed. */
  readonly changed: () => void;
}
