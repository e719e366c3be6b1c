import assert from "node:assert/strict";
import { once } from "node:events";
import { after, before, describe, test } from "node:test";
import tls from "node:tls";
import { createAuthority, issueCertificate } from "../../src/lib/x509.ts";
import type { KeyPair } from "../../src/queue-proxy/transport.ts";
import { preface } from "./http2-wire.ts";
import { runtimes, type Subject, spawned } from "./subject.ts";
import { get, RawBackend, RawClient } from "./wire.ts";

/** The proxy's minute takes a second. */
const speed = 60;
const validity = { notBefore: Date.parse("2024-01-01T00:00:00Z"), notAfter: Date.parse("2044-01-01T00:00:00Z") };
const headers = "\x00\x00\x06\x01\x05\x00\x00\x00\x01\x82\x84\x86\x41\x01a";

/** What a client says before it falls silent; each of them must lose its connection. */
const silent: readonly [name: string, said: string][] = [
  ["says nothing", ""],
  ["says half a head", get().slice(0, -2)],
  ["says half a second head", get() + get().slice(0, -2)],
  ["says HTTP/2's preface without SETTINGS", preface.slice(0, 24)],
  ["says half a header block of HTTP/2", `${preface}${headers.slice(0, -1)}`],
];

for (const { name: runtime, path } of runtimes()) {
  describe(`slow clients on real sockets, ${runtime}`, { concurrency: true }, () => {
    const backend = new RawBackend();
    let subject: Subject;

    before(async () => {
      const authority = await createAuthority({ commonName: "ca", ...validity });
      const issued = await issueCertificate(authority, { commonName: "proxy", usages: ["server"], ...validity });
      const keyPair: KeyPair = { cert: issued.certificate, key: issued.key };
      subject = await spawned(path, { speed, keyPair })({}, await backend.listen());
    });
    after(async () => {
      await subject.stop();
      await backend.close();
    });

    for (const [name, said] of silent) {
      test(`one that ${name} loses its connection`, async () => {
        const client = new RawClient(subject.ports.main);
        client.send(said);
        await client.closed();
      });
    }

    // Node's own limit for a handshake does not follow our clock.
    test("one that makes no TLS handshake loses its connection", { skip: runtime !== "Bun" }, async () => {
      const client = new RawClient(subject.ports.tls);
      await client.closed();
    });

    test("one that makes the handshake and says half a head loses its connection", async () => {
      const socket = tls.connect({ port: subject.ports.tls, host: "127.0.0.1", rejectUnauthorized: false });
      await once(socket, "secureConnect");
      assert.equal(socket.getProtocol(), "TLSv1.3");
      socket.write(get().slice(0, -2));
      socket.on("error", () => {});
      await new Promise((resolve) => socket.once("close", resolve));
    });

    test("one that is quick is answered, over TLS too, and may then be silent", async () => {
      const client = new RawClient(subject.ports.main);
      const socket = tls.connect({ port: subject.ports.tls, host: "127.0.0.1", rejectUnauthorized: false });
      try {
        for (let round = 0; round < 2; round++) {
          client.send(get());
          assert.match((await client.message()).startLine, / 200 /);
          socket.write(get());
          assert.match(String((await once(socket, "data"))[0]), /^HTTP\/1\.1 200 /);
          // Two minutes of the proxy's.
          if (round === 0) await new Promise((resolve) => setTimeout(resolve, (2 * 60_000) / speed));
        }
        assert.equal(client.ended, false);
      } finally {
        client.destroy();
        socket.destroy();
      }
    });
  });
}
