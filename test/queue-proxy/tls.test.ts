import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { silentLogger } from "../../src/lib/log.ts";
import { createAuthority, issueCertificate } from "../../src/lib/x509.ts";
import { nodeNetwork } from "../../src/queue-proxy/adapters/node.ts";
import { parseEnvironment } from "../../src/queue-proxy/environment.ts";
import { type QueueProxy, startQueueProxy } from "../../src/queue-proxy/queue-proxy.ts";
import type { KeyPair } from "../../src/queue-proxy/transport.ts";
import { type FakeClock, fakeClock } from "../../src/testing/fake-clock.ts";
import { makeEnvironment } from "./subject.ts";
import { get, RawBackend } from "./wire.ts";

const validity = { notBefore: Date.parse("2024-01-01T00:00:00Z"), notAfter: Date.parse("2044-01-01T00:00:00Z") };

describe("queue-proxy over TLS and at its end", () => {
  const backend = new RawBackend();
  let clock: FakeClock;
  let proxy: QueueProxy;
  let keyPair: KeyPair;
  let makePair: (name: string) => Promise<KeyPair>;

  before(async () => {
    const authority = await createAuthority({ commonName: "ca", ...validity });
    makePair = async (commonName) => {
      const issued = await issueCertificate(authority, { commonName, usages: ["server"], ...validity });
      return { cert: issued.certificate, key: issued.key };
    };
    keyPair = await makePair("first");
    clock = fakeClock();
    proxy = await startQueueProxy({
      environment: parseEnvironment(makeEnvironment({}, await backend.listen())),
      network: nodeNetwork,
      clock,
      logger: silentLogger,
      address: "127.0.0.1",
      readKeyPair: async () => keyPair,
      report() {},
      writeLog() {},
      socketStatistics: async () => "",
    });
  });
  after(async () => {
    await proxy.close();
    await backend.close();
  });

  /** One request over TLS: the certificate's name, the protocol, and what was answered. */
  const ask = (port: number, options: tls.ConnectionOptions, text = get()) =>
    new Promise<{ name: string; protocol: string | null; alpn: string | false | null; answer: string }>(
      (resolve, reject) => {
        const socket = tls.connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options }, () =>
          socket.write(text),
        );
        socket.once("data", (data) => {
          const name = socket.getPeerCertificate().subject.CN;
          const alpn = socket.alpnProtocol;
          resolve({ name: String(name), protocol: socket.getProtocol(), alpn, answer: data.toString("latin1") });
          socket.destroy();
        });
        socket.once("error", reject);
      },
    );

  test("the main server answers over TLS 1.3", async () => {
    const found = await ask(proxy.ports["main-tls"]!, {});
    assert.equal(found.protocol, "TLSv1.3");
    assert.match(found.answer, /^HTTP\/1\.1 200 OK/);
  });

  test("and goes on answering without it", () => assert.ok(proxy.ports["main"]));

  test("TLS 1.2 is refused", async () => {
    await assert.rejects(ask(proxy.ports["main-tls"]!, { maxVersion: "TLSv1.2" }));
  });

  test("h2 is offered", async () => {
    const preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\x00\x00\x00\x04\x00\x00\x00\x00\x00";
    const found = await ask(proxy.ports["main-tls"]!, { ALPNProtocols: ["h2"] }, preface);
    assert.equal(found.alpn, "h2");
    assert.equal(found.answer.charCodeAt(3), 4, "SETTINGS");
  });

  test("the admin server speaks TLS only", async () => {
    assert.equal(proxy.ports["admin"], undefined);
    assert.match((await ask(proxy.ports["admin-tls"]!, {})).answer, / 404 /);
  });

  test("a new certificate is taken up within a minute, and still no TLS 1.2", async () => {
    assert.equal((await ask(proxy.ports["main-tls"]!, {})).name, "first");
    keyPair = await makePair("second");
    await clock.advance(60_000);
    assert.equal((await ask(proxy.ports["main-tls"]!, {})).name, "second");
    assert.equal((await ask(proxy.ports["admin-tls"]!, {})).name, "second");
    await assert.rejects(ask(proxy.ports["main-tls"]!, { maxVersion: "TLSv1.2" }));
  });

  test("a certificate that cannot be used leaves the old one in place", async () => {
    keyPair = { cert: "nonsense", key: "nonsense" };
    await clock.advance(60_000);
    assert.equal((await ask(proxy.ports["main-tls"]!, {})).name, "second");
  });

  test("after TERM it serves for 30 quiet seconds, then waits for the request under way and ends", async () => {
    let ended = false;
    const end = proxy.terminate().then(() => {
      ended = true;
    });
    await clock.advance(29_000);
    assert.match((await ask(proxy.ports["main-tls"]!, {})).answer, / 200 /);
    await clock.advance(29_000);
    assert.equal(ended, false, "the request started the 30 seconds again");
    backend.requests = [];
    backend.answer = () => {};
    const last = ask(proxy.ports["main-tls"]!, {});
    const { socket } = await backend.request();
    await clock.advance(30_000);
    assert.equal(ended, false, "the request is still under way");
    socket.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
    assert.match((await last).answer, /Connection: close\r\n/);
    await end;
    await assert.rejects(ask(proxy.ports["main-tls"]!, {}));
  });
});
