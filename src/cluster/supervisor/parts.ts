import type { KubeObject } from "../../apis/meta.ts";
import type { Client, Informers } from "../../kube/api.ts";
import type { Locate } from "../../lib/locate.ts";
import type { Images } from "../manifests.ts";

/** A part that runs in the supervisor's own process, because it must go on while others are started again. */
export interface Part {
  close(): Promise<void>;
}

export interface ClusterParts {
  /** Starts the image registry, at another port if that one is taken, and puts the images of our own programs into it. */
  startRegistry(directory: string, port: number): Promise<Part & { readonly images: Images; readonly port: number }>;
  /** The objects that make the control plane find the gateway. */
  gatewayObjects(options: GatewayPorts): readonly KubeObject[];
  startGateway(options: GatewayOptions): Promise<Part>;
}

/** Where the gateway is reached from this machine; TLS is off without a port for it. */
export interface GatewayPorts {
  readonly dataDir: string;
  readonly httpPort: number;
  readonly httpsPort: number | undefined;
}

export interface GatewayOptions extends GatewayPorts {
  /** Where pods are reached. */
  readonly locate: Locate;
  readonly informers: Informers;
  readonly client: Client;
  readonly signal: AbortSignal;
}
