/**
 * The embedded API server with its controllers, as a process of its own (forked by ../services.ts) that writes down what
 * it is asked: a line per request in AUDIT_LOG, with the fields of Kubernetes' audit log that the bench reads.
 */
import diagnostics from "node:diagnostics_channel";
import { createWriteStream } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { parseResourcePath, verbOf } from "../../src/cluster/api/request-info.ts";
import type { AuditEvent } from "./requests.ts";

const log = createWriteStream(process.env["AUDIT_LOG"]!);

diagnostics.subscribe("http.server.request.start", (message) => {
  const { request, response } = message as { request: IncomingMessage; response: ServerResponse };
  const url = new URL(request.url ?? "/", "https://localhost");
  const asked = parseResourcePath(url.pathname);
  if (!asked) return;
  const verb = verbOf(request.method ?? "GET", asked, url.searchParams.get("watch") === "true");
  const requestReceivedTimestamp = new Date().toISOString();
  response.once("close", () => {
    const event: AuditEvent = {
      requestReceivedTimestamp,
      stageTimestamp: new Date().toISOString(),
      verb,
      userAgent: request.headers["user-agent"] ?? "",
      objectRef: asked,
      responseStatus: { code: response.statusCode },
    };
    log.write(`${JSON.stringify(event)}\n`);
  });
});

await import("../../src/main/apiserver.ts");
