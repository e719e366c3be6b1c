/** Where a socket listens, or is connected to. */
export interface SocketAddress {
  readonly host: string;
  readonly port: number;
}

/**
 * Where the socket that stands at an address of a pod really is. Everything of ours that listens on or connects to a
 * pod's address asks this first; but for an embedded cluster on a system with one loopback address, it is `asAddressed`.
 */
export type Locate = (address: SocketAddress) => SocketAddress;

/** Addresses mean what they say. */
export const asAddressed: Locate = (address) => address;
