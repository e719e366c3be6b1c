import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import fc from "fast-check";
import { type Access, send } from "./contract.ts";
import { type ScratchServer, startScratchServer } from "./scratch-server.ts";

const configMaps = "/api/v1/namespaces/default/configmaps";

describe("clients that mean no good", () => {
  let scratch: ScratchServer;
  let access: Access;

  before(async () => {
    scratch = await startScratchServer();
    access = scratch.access;
  });

  after(async () => {
    await scratch.close();
  });

  const answersStill = async () => assert.equal((await send(access, ["GET", "/readyz"])).text, "ok");

  const raw = (): Promise<TLSSocket> =>
    new Promise((resolve, reject) => {
      const socket = connect({ host: "127.0.0.1", port: scratch.server.port, ca: access.ca }, () => resolve(socket));
      socket.once("error", reject);
    });

  test("nobody without credentials reads or writes, but anybody may ask for health", async () => {
    const { token: _, ...stranger } = access;
    const answer = await send(stranger, ["GET", configMaps]);
    assert.equal(answer.code, 403);
    assert.match(answer.text, /User \\"system:anonymous\\" cannot list resource \\"configmaps\\"/);
    assert.equal((await send({ ...access, token: "wrong" }, ["GET", configMaps])).code, 401);
    assert.equal((await send(stranger, ["GET", "/livez"])).code, 200);
  });

  const impersonation = { "impersonate-user": "system:admin", "impersonate-group": "system:masters" };
  const frontProxy = { "x-remote-user": "admin", "x-remote-group": "system:masters" };
  const credentials: [string, string, (token: string) => Record<string, string>, number][] = [
    ["the administrator's token is needed, and enough", "GET", (token) => ({ authorization: `Bearer ${token}` }), 200],
    ["another token is refused", "GET", (token) => ({ authorization: `Bearer ${token.slice(1)}` }), 401],
    ["a stranger does not read", "GET", () => ({}), 403],
    ["a stranger does not delete", "DELETE", () => ({}), 403],
    ["a stranger does not act for somebody else", "GET", () => impersonation, 403],
    ["nobody's word is taken for who asks", "GET", () => frontProxy, 403],
  ];
  for (const [name, method, headers, code] of credentials) {
    test(`without a client certificate: ${name}`, async () => {
      const { token, ...stranger } = access;
      const answer = await send(stranger, [method, configMaps], headers(token!));
      assert.equal(answer.code, code);
    });
  }

  test("a body above 3 MB is refused", async () => {
    const body = {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "big" },
      data: { a: "x".repeat(3 * 1024 * 1024) },
    };
    // The server may hang up while the client still sends; what counts is that it says 413 to who listens.
    const answer = await send(access, ["POST", configMaps, body]).catch((error: NodeJS.ErrnoException) => error.code);
    assert.ok(typeof answer === "string" ? answer === "EPIPE" || answer === "ECONNRESET" : answer?.code === 413);
    await answersStill();
  });

  test("deeply nested and malformed bodies are refused", async () => {
    const deep = `${'{"a":'.repeat(20_000)}1${"}".repeat(20_000)}`;
    for (const body of [
      deep,
      "{",
      "[]",
      "null",
      '"text"',
      '{"apiVersion":"v1","kind":"ConfigMap","metadata":[]}',
      '{"__proto__":{"a":1}}',
    ]) {
      const answer = await send(access, ["POST", configMaps, body]);
      assert.ok(
        answer.code >= 400 && answer.code < 500,
        `${body.slice(0, 40)}: ${answer.code} ${answer.text.slice(0, 200)}`,
      );
    }
    assert.equal(({} as { a?: number }).a, undefined);
    await answersStill();
  });

  test("whatever is sent as an object or patch, the server answers it and lives", async () => {
    await send(access, [
      "POST",
      configMaps,
      { apiVersion: "v1", kind: "ConfigMap", metadata: { name: "target" }, data: { a: "1" } },
    ]);
    const medias = [
      "application/json-patch+json",
      "application/merge-patch+json",
      "application/strategic-merge-patch+json",
      "application/apply-patch+yaml",
    ];
    await fc.assert(
      fc.asyncProperty(fc.json(), fc.constantFrom(...medias), async (body, media) => {
        const patched = await send(access, ["PATCH", `${configMaps}/target?fieldManager=f`, body, media]);
        assert.ok(patched.code < 500, `${media} ${body}: ${patched.text}`);
        const created = await send(access, ["POST", configMaps, body]);
        assert.ok(created.code < 500, `${body}: ${created.text}`);
      }),
      { numRuns: 150 },
    );
    const pods = "/api/v1/namespaces/default/pods";
    const spec = fc.record({ containers: fc.anything({ maxDepth: 4 }), volumes: fc.anything({ maxDepth: 3 }) });
    await fc.assert(
      fc.asyncProperty(spec, async (value) => {
        const body = JSON.stringify({ apiVersion: "v1", kind: "Pod", metadata: { name: "fuzz" }, spec: value });
        const answer = await send(access, ["POST", pods, body]);
        assert.ok(answer.code < 500, `${body}: ${answer.text}`);
      }),
      { numRuns: 150 },
    );
    await answersStill();
  });

  test("whatever path and query is asked for, the server answers it and lives", async () => {
    const part = fc.constantFrom(
      "api",
      "apis",
      "v1",
      "apps",
      "namespaces",
      "default",
      "pods",
      "x",
      "status",
      "%2F",
      "..",
      "watch",
      "%zz",
    );
    const query = fc.webQueryParameters();
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 8 }), query, async (parts, text) => {
        const answer = await send(access, ["GET", `/${parts.join("/")}?timeoutSeconds=1&${text}`]).catch(
          (error: Error) => {
            assert.match(error.message, /Invalid URL|unescaped characters/);
            return undefined;
          },
        );
        assert.ok(!answer || answer.code < 500 || answer.code === 504, `${parts.join("/")}?${text}: ${answer?.text}`);
      }),
      { numRuns: 200 },
    );
  });

  test("garbage on the wire ends that connection only", async () => {
    for (const bytes of [
      "\0\0\0\0",
      "GET / HTTP/9.9\r\n\r\n",
      "POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
      "x".repeat(100_000),
    ]) {
      const socket = await raw();
      const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
      socket.on("error", () => {});
      socket.resume();
      socket.write(bytes);
      await closed;
    }
    await answersStill();
  });

  test("many clients that never finish their request do not keep others out", async () => {
    const slow = await Promise.all(Array.from({ length: 100 }, raw));
    for (const socket of slow) {
      socket.on("error", () => {});
      socket.write(`POST ${configMaps} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n`);
    }
    await answersStill();
    for (const socket of slow) socket.destroy();
  });
});
