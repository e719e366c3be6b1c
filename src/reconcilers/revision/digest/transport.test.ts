import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { type AddressInfo, connect } from "node:net";
import { after, before, test } from "node:test";
import { type CertificatePair, createAuthority, issueCertificate } from "../../../lib/x509.ts";
import { createRegistryTransport, type HttpRequest, isLinkLocal, type RegistryTransportOptions } from "./transport.ts";

const validity = { notBefore: Date.now() - 3_600_000, notAfter: Date.now() + 3_600_000 };
const opened: Server[] = [];
let authority: CertificatePair;
let plain: { server: Server; port: number };
let secure: { server: Server; port: number };
let proxy: { server: Server; port: number };
/** What came to the proxy. */
let proxied: string[] = [];

async function listen(server: Server): Promise<{ server: Server; port: number }> {
  opened.push(server);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { server, port: (server.address() as AddressInfo).port };
}

/** Sends whoever asks with `?to=` on to there. */
function redirect({ url }: IncomingMessage, response: ServerResponse): void {
  const location = new URL(url!, "http://any").searchParams.get("to");
  if (location) response.writeHead(307, { location });
}

const seen = (what: string, { headers: { authorization = "" } }: IncomingMessage) => `${what} ${authorization}`.trim();

before(async () => {
  authority = await createAuthority({ commonName: "private", ...validity });
  const names = { commonName: "registry.test", dnsNames: ["registry.test"], ipAddresses: ["127.0.0.1"] };
  const { certificate, key } = await issueCertificate(authority, { ...names, usages: ["server"], ...validity });
  const answer: RequestListener = (request, response) => {
    redirect(request, response);
    response.end(seen(`${request.method} ${request.headers.host}`, request));
  };
  plain = await listen(createServer(answer));
  secure = await listen(createTlsServer({ cert: certificate, key }, answer) as unknown as Server);
  proxy = await listen(
    createServer((request, response) => {
      proxied.push(`${request.method} ${request.url}`);
      redirect(request, response);
      response.end(seen("from the proxy", request));
    }),
  );
  proxy.server.on("connect", (request, client) => {
    proxied.push(`${request.method} ${request.url} ${request.headers["proxy-authorization"] ?? ""}`.trim());
    const onward = connect(secure.port, "127.0.0.1", () => {
      client.write("HTTP/1.1 200 Connection established\r\n\r\n");
      onward.pipe(client).pipe(onward);
    });
    onward.on("error", () => client.destroy());
    client.on("error", () => onward.destroy());
  });
});

after(() => {
  for (const server of opened) {
    server.closeAllConnections();
    server.close();
  }
});

/** The body of the answer, or the message of the error. */
async function send(options: Omit<RegistryTransportOptions, "userAgent">, request: Partial<HttpRequest>) {
  proxied = [];
  const transport = createRegistryTransport({ userAgent: "test", ...options });
  try {
    const signal = new AbortController().signal;
    const answer = await transport.send({ method: "GET", url: "", signal, ...request });
    return answer.body.toString("utf8");
  } catch (error) {
    return (error as Error).message;
  } finally {
    transport.close();
  }
}

test("a certificate of a private authority is trusted where that is given", async () => {
  const url = `https://127.0.0.1:${secure.port}/`;
  assert.equal(await send({ ca: [authority.certificate] }, { url }), `GET 127.0.0.1:${secure.port}`);
  assert.match(await send({}, { url }), /^GET https:.*: unable to verify the first certificate/);
});

test("an older version of TLS than the least is not spoken", async () => {
  const old = await listen(createTlsServer({ maxVersion: "TLSv1.2" }) as unknown as Server);
  const url = `https://127.0.0.1:${old.port}/`;
  assert.match(await send({ tlsMinVersion: "TLSv1.3" }, { url }), /protocol version/i);
});

test("a registry without TLS is reached by the proxy", async () => {
  const httpProxy = `http://127.0.0.1:${proxy.port}`;
  const url = "http://registry.test:5000/v2/";
  assert.equal(await send({ proxy: { httpProxy } }, { url }), "from the proxy");
  assert.deepEqual(proxied, ["GET http://registry.test:5000/v2/"]);
});

test("a registry with TLS is reached through the proxy, which sees nothing of it", async () => {
  const httpsProxy = `http://me:pw@127.0.0.1:${proxy.port}`;
  const url = "https://registry.test/v2/";
  assert.equal(await send({ ca: [authority.certificate], proxy: { httpsProxy } }, { url }), "GET registry.test");
  assert.deepEqual(proxied, [`CONNECT registry.test:443 Basic ${Buffer.from("me:pw").toString("base64")}`]);
});

for (const [name, noProxy, request, isDirect] of [
  ["what NO_PROXY names", "10.0.0.0/8,0.0.0.0/32", {}, true],
  ["who asks to be", "", { direct: true }, true],
  ["nobody else", "10.0.0.0/8", {}, false],
] as const) {
  test(`reached directly is ${name}`, async () => {
    // Another address of this machine: no proxy is ever used for 127.0.0.1.
    const host = `0.0.0.0:${plain.port}`;
    const settings = { httpProxy: `http://127.0.0.1:${proxy.port}`, noProxy };
    const answer = await send({ proxy: settings }, { url: `http://${host}/`, ...request });
    assert.equal(answer, isDirect ? `GET ${host}` : "from the proxy");
  });
}

for (const [name, from, to, isShown] of [
  ["on the same host", "http://registry.test/", "http://registry.test/next", true],
  ["on the same host, with TLS", "https://registry.test/", "https://registry.test/next", true],
  ["that turns to TLS", "http://registry.test:443/", "https://registry.test/next", false],
  ["that leaves TLS", "https://registry.test/", "http://registry.test/next", false],
  ["to another host", "http://registry.test/", "http://elsewhere.test/next", false],
  ["to another port", "http://registry.test/", "http://registry.test:5000/next", false],
] as const) {
  test(`credentials ${isShown ? "" : "do not "}follow a redirect ${name}`, async () => {
    const address = `http://127.0.0.1:${proxy.port}`;
    const answer = await send(
      { ca: [authority.certificate], proxy: { httpProxy: address, httpsProxy: address } },
      { url: `${from}?to=${encodeURIComponent(to)}`, headers: { authorization: "Bearer t" } },
    );
    const who = to.startsWith("https:") ? "GET registry.test" : "from the proxy";
    assert.equal(answer, isShown ? `${who} Bearer t` : who);
  });
}

for (const [name, status, headers] of [
  ["a redirect that does not say where to", 307, {}],
  ["a success that says where something is", 201, { location: "/v2/there" }],
] as const) {
  test(`${name} is the answer`, async () => {
    const { port } = await listen(createServer((_, response) => response.writeHead(status, headers).end("here")));
    assert.equal(await send({}, { url: `http://127.0.0.1:${port}/` }), "here");
  });
}

for (const [name, listener, message] of [
  [
    "is larger than any manifest",
    (_, response) => response.end(Buffer.alloc(8 * 1024 * 1024 + 1)),
    /^GET http:[^ ]+: the answer is larger than 8388608 bytes$/,
  ],
  [
    "breaks off",
    (_, response) => {
      response.writeHead(200, { "content-length": 10 });
      response.write("half", () => response.destroy());
    },
    /^GET http:[^ ]+: aborted$/,
  ],
] as const satisfies readonly (readonly [string, RequestListener, RegExp])[]) {
  test(`an answer that ${name} is an error`, async () => {
    const { port } = await listen(createServer(listener));
    assert.match(await send({}, { url: `http://127.0.0.1:${port}/` }), message);
  });
}

for (const [name, location, request, message] of [
  ["to a metadata server", "http://169.254.169.254/latest", {}, /to 169.254.169.254 is not followed: .* link-local$/],
  [
    "that would take credentials in a body elsewhere",
    "http://localhost:1/token",
    { method: "POST", body: "refresh_token=secret" },
    /^POST [^ ]+: the redirect to localhost:1 is not followed: the request holds credentials$/,
  ],
] as const) {
  test(`a redirect ${name} is not followed`, async () => {
    const { port } = await listen(createServer((_, response) => response.writeHead(307, { location }).end()));
    assert.match(await send({}, { url: `http://127.0.0.1:${port}/`, ...request }), message);
  });
}

for (const [host, expected] of [
  ["169.254.169.254", true],
  ["169.254.170.2", true],
  ["[fe80::1]", true],
  ["[fd00:ec2::254]", true],
  ["[::ffff:a9fe:a9fe]", true],
  ["10.0.0.1", false],
  ["[fd12::1]", false],
  ["169.254.169.254.example.com", false],
] as const) {
  test(`${host} is ${expected ? "" : "not "}link-local`, () => assert.equal(isLinkLocal(host), expected));
}
