import http from "node:http";
import https from "node:https";
import tls from "node:tls";

/** How registries are reached; the program's start fills it from files and environment. */
export interface RegistryTransportOptions {
  /** PEM certificates that are trusted beside the system's, such as the cluster's own authority. */
  readonly ca?: readonly string[];
  readonly tlsMinVersion?: "TLSv1.2" | "TLSv1.3";
  /** The values of the usual environment variables, lower case winning over upper case is the caller's business. */
  readonly proxy?: { readonly httpProxy?: string; readonly httpsProxy?: string; readonly noProxy?: string };
  /** Sent as User-Agent. */
  readonly userAgent: string;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: http.IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface HttpRequest {
  readonly method: "GET" | "HEAD" | "POST";
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
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
  const proxyEnv = {
    ...(options.proxy?.httpProxy && { HTTP_PROXY: options.proxy.httpProxy }),
    ...(options.proxy?.httpsProxy && { HTTPS_PROXY: options.proxy.httpsProxy }),
    ...(options.proxy?.noProxy && { NO_PROXY: options.proxy.noProxy }),
  };
  const common = { keepAlive: true, maxSockets: mostSockets, ...(Object.keys(proxyEnv).length > 0 && { proxyEnv }) };
  const plain = new http.Agent(common);
  let secure: https.Agent | undefined;
  const secureAgent = () => {
    // Reading the system's certificates takes a while: only once a registry with TLS is asked.
    secure ??= new https.Agent({
      ...common,
      minVersion: options.tlsMinVersion ?? "TLSv1.2",
      ca: [...tls.getCACertificates("default"), ...tls.getCACertificates("system"), ...(options.ca ?? [])],
    });
    return secure;
  };

  const sendOnce = (request: HttpRequest): Promise<HttpAnswer> =>
    new Promise((resolve, reject) => {
      const url = new URL(request.url);
      const fail = (cause: unknown) => reject(new Error(`${describe(request)}: ${reasonOf(cause)}`, { cause }));
      const encrypted = url.protocol === "https:";
      const outgoing = (encrypted ? https : http).request(url, {
        method: request.method,
        headers: { "user-agent": options.userAgent, ...request.headers },
        agent: encrypted ? secureAgent() : plain,
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
      plain.destroy();
      secure?.destroy();
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

/** Credentials do not follow a redirect to another host. */
function redirectOf(request: HttpRequest, answer: HttpAnswer): HttpRequest | undefined {
  if (![301, 302, 303, 307, 308].includes(answer.status) || !answer.headers.location) return undefined;
  const from = new URL(request.url);
  const to = new URL(answer.headers.location, from);
  const headers = { ...request.headers };
  if (to.host !== from.host || (from.protocol === "https:" && to.protocol !== "https:")) delete headers.authorization;
  return { ...request, url: to.href, headers };
}

function reasonOf(cause: unknown): string {
  if (!(cause instanceof Error)) return String(cause);
  const inner = cause.name === "AbortError" && cause.cause instanceof Error ? cause.cause : cause;
  if (inner instanceof AggregateError) return inner.errors.map((error: unknown) => reasonOf(error)).join("; ");
  return inner.message || ("code" in inner ? String(inner.code) : inner.name);
}
