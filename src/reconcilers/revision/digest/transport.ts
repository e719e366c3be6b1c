import http from "node:http";
import https from "node:https";
import { BlockList, isIP } from "node:net";
import tls from "node:tls";
import { createProxyRule, type ProxySettings } from "./proxy.ts";

/** How registries are reached; the program's start fills it from files and environment. */
export interface RegistryTransportOptions {
  /** PEM certificates that are trusted beside the system's, such as the cluster's own authority. */
  readonly ca?: readonly string[];
  readonly tlsMinVersion?: "TLSv1.2" | "TLSv1.3";
  readonly proxy?: ProxySettings;
  /** Sent as User-Agent. */
  readonly userAgent: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST" | "PUT";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** Never by a proxy, as is right for metadata servers. */
  readonly direct?: boolean;
  readonly signal: AbortSignal;
}

/** Sends small HTTP requests. Rejects with an Error that names the request when no whole answer came. */
export interface RegistryTransport {
  send(request: HttpRequest): Promise<HttpAnswer>;
  close(): void;
}

const largestBody = 8 * 1024 * 1024;
const mostSockets = 100;
const mostRedirects = 5;

/** A transport with kept-alive connections, the system's and the given authorities, and a proxy where one is set. */
export function createRegistryTransport(options: RegistryTransportOptions): RegistryTransport {
  const { httpProxy, httpsProxy } = options.proxy ?? {};
  const goesByProxy = createProxyRule(options.proxy ?? {});
  const proxyEnv = { ...(httpProxy && { HTTP_PROXY: httpProxy }), ...(httpsProxy && { HTTPS_PROXY: httpsProxy }) };
  const minVersion = options.tlsMinVersion ?? "TLSv1.2";
  const common = { keepAlive: true, maxSockets: mostSockets };
  let secureContext: tls.SecureContext | undefined;
  const agents = new Map<string, http.Agent>();

  const agentFor = (scheme: "http:" | "https:", byProxy: boolean): http.Agent => {
    const name = `${scheme} ${byProxy}`;
    let agent = agents.get(name);
    if (!agent) {
      const settings = { ...common, ...(byProxy && { proxyEnv }) };
      if (scheme === "https:") {
        // Reading the authorities takes a while: only once somebody with TLS is asked, and once for all connections.
        secureContext ??= tls.createSecureContext({ minVersion, ca: authorities() });
        agent = new https.Agent({ ...settings, secureContext });
      } else {
        agent = new http.Agent(settings);
      }
      agents.set(name, agent);
    }
    return agent;
  };
  const authorities = () => [
    ...new Set([...tls.getCACertificates("default"), ...tls.getCACertificates("system"), ...(options.ca ?? [])]),
  ];

  const sendOnce = (request: HttpRequest): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const url = new URL(request.url);
      const fail = (cause: unknown) => reject(new Error(`${describe(request)}: ${reasonOf(cause)}`, { cause }));
      const scheme = url.protocol === "https:" ? "https:" : "http:";
      const outgoing = (scheme === "https:" ? https : http).request(url, {
        method: request.method,
        headers: { "user-agent": options.userAgent, ...request.headers },
        agent: agentFor(scheme, !request.direct && goesByProxy(url)),
        signal: request.signal,
      });
      outgoing.on("error", fail);
      outgoing.on("response", (incoming) => {
        const chunks: Buffer[] = [];
        let size = 0;
        incoming.on("data", (chunk: Buffer) => {
          size += chunk.length;
          if (size > largestBody) incoming.destroy(new Error(`the answer is larger than ${largestBody} bytes`));
          else chunks.push(chunk);
        });
        incoming.on("error", fail);
        incoming.on("end", () =>
          resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
        );
      });
      outgoing.end(request.body);
    });

  return {
    async send(request) {
      let current = request;
      for (let redirects = 0; ; redirects++) {
        const answer = await sendOnce(current);
        const next = redirectOf(current, answer);
        if (!next) return answer;
        if (redirects === mostRedirects) throw new Error(`${describe(request)}: more than ${mostRedirects} redirects`);
        current = next;
      }
    },
    close() {
      for (const agent of agents.values()) agent.destroy();
    },
  };
}

/** The method and address of a request as errors show it: without what a query or a user part may give away. */
export function describe({ method, url }: Pick<HttpRequest, "method" | "url">): string {
  const parsed = new URL(url);
  parsed.username = "";
  parsed.password = "";
  for (const name of [...parsed.searchParams.keys()]) {
    if (!["scope", "service", "account"].includes(name)) parsed.searchParams.set(name, "REDACTED");
  }
  return `${method} ${parsed.href}`;
}

/** Credentials do not follow a redirect to another host, and nobody is led to a metadata server. */
function redirectOf(request: HttpRequest, answer: HttpAnswer): HttpRequest | undefined {
  if (![301, 302, 303, 307, 308].includes(answer.status) || !answer.headers.location) return undefined;
  const from = new URL(request.url);
  const to = new URL(answer.headers.location, from);
  const isElsewhere = to.host !== from.host || (from.protocol === "https:" && to.protocol !== "https:");
  const refuse = (why: string) => new Error(`${describe(request)}: the redirect to ${to.host} is not followed: ${why}`);
  if (isElsewhere && isLinkLocal(to.hostname)) throw refuse("the address is link-local");
  if (isElsewhere && request.body !== undefined) throw refuse("the request holds credentials");
  const headers = { ...request.headers };
  if (isElsewhere) delete headers.authorization;
  return { ...request, url: to.href, headers };
}

const linkLocal = new BlockList();
linkLocal.addSubnet("169.254.0.0", 16);
linkLocal.addSubnet("fe80::", 10, "ipv6");
linkLocal.addAddress("fd00:ec2::254", "ipv6");

/** Whether a host, as URLs write it, is an address at which clouds have their metadata servers. */
export function isLinkLocal(hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/g, "");
  return isIP(address) !== 0 && linkLocal.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.name === "AbortError" && cause.cause instanceof Error ? cause.cause : cause;
  if (inner instanceof AggregateError) return inner.errors.map((error: unknown) => reasonOf(error)).join("; ");
  return inner.message || ("code" in inner ? String(inner.code) : inner.name);
}
