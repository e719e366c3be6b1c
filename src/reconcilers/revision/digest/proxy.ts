import { BlockList, isIP } from "node:net";

/** The values of the usual environment variables; which of two spellings wins is the caller's business. */
export interface ProxySettings {
  readonly httpProxy?: string;
  readonly httpsProxy?: string;
  /** Hosts that are reached without a proxy, with commas between them. */
  readonly noProxy?: string;
}

/**
 * Says which requests go by a proxy. `noProxy` may name hosts (`example.com` with all below it, `.example.com` only what is
 * below), addresses, networks (`10.0.0.0/8`), each but networks with a port, or all (`*`). This machine is never reached
 * by a proxy. Source: golang.org/x/net/http/httpproxy, which knows more than Node does.
 */
export function createProxyRule({ httpProxy, httpsProxy, noProxy = "" }: ProxySettings): (url: URL) => boolean {
  const exceptions = noProxy
    .split(",")
    .map((entry) => entry.trim().toLowerCase())
    .filter((entry) => entry !== "")
    .map(parseException);
  return (url) => {
    if (!(url.protocol === "https:" ? httpsProxy : httpProxy)) return false;
    const host = url.hostname.replace(/^\[|\]$/g, "");
    if (host === "localhost" || loopback.check(host, familyOf(host))) return false;
    const port = url.port || (url.protocol === "https:" ? "443" : "80");
    return !exceptions.some((covers) => covers(host, port));
  };
}

type Exception = (host: string, port: string) => boolean;

const loopback = new BlockList();
loopback.addSubnet("127.0.0.0", 8);
loopback.addAddress("::1", "ipv6");

function parseException(entry: string): Exception {
  if (entry === "*") return () => true;
  const [, network = "", prefix = ""] = /^(.*)\/(\d+)$/.exec(entry) ?? [];
  if (isIP(network)) {
    const list = new BlockList();
    const length = Math.min(Number(prefix), isIP(network) === 6 ? 128 : 32);
    list.addSubnet(network, length, familyOf(network));
    return (host) => isIP(host) !== 0 && list.check(host, familyOf(host));
  }
  const [, name = entry, wantedPort] = isIP(entry) ? [] : (/^(.*?)(?::(\d+))?$/.exec(entry) ?? []);
  const bare = name.replace(/^\[|\]$/g, "").replace(/^\*(?=\.)/, "");
  const isHost = (host: string) => {
    if (bare.startsWith(".")) return host.endsWith(bare);
    return host === bare || (!isIP(bare) && host.endsWith(`.${bare}`));
  };
  return (host, port) => (wantedPort === undefined || wantedPort === port) && isHost(host);
}

function familyOf(host: string): "ipv4" | "ipv6" {
  return isIP(host) === 6 ? "ipv6" : "ipv4";
}
