import { type IncomingMessage, STATUS_CODES } from "node:http";
import type { Duplex } from "node:stream";
import { ApiError } from "../../kube/errors.ts";
import type { Clock } from "../../lib/clock.ts";
import type { Logger } from "../../lib/log.ts";
import { impersonated } from "./impersonation.ts";
import { getEntry } from "./list.ts";
import { parseResourcePath } from "./request-info.ts";
import type { Item } from "./resource.ts";
import { allow, type Server } from "./routes.ts";
import { badRequest, internalError, noSuchPath } from "./status-errors.ts";
import { execInContainer } from "./streaming/exec.ts";
import { forwardPorts, isPortForward } from "./streaming/port-forward.ts";

/** Answers a request to change the protocol: pods/portforward and pods/exec; pods/attach is refused with the reason. */
export async function answerUpgrade(
  server: Server,
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  closing: AbortSignal,
  clock: Clock,
  log: Logger,
): Promise<void> {
  socket.on("error", () => socket.destroy());
  try {
    const user = impersonated(server.authenticator.authenticate(request), request.headers, server.authorizer);
    const { pathname, searchParams } = new URL(request.url ?? "/", "https://localhost");
    const info = parseResourcePath(pathname);
    if (info?.group !== "" || info.resource !== "pods") throw noSuchPath();
    const verb = request.method === "POST" ? "create" : "get";
    allow(server, { user }, { ...info, verb }, pathname);
    const resource = server.api.registry.find("", info.version, "pods");
    if (!resource) throw noSuchPath();
    const pod = getEntry(server.api, resource, info.namespace, info.name).object as Item;
    const end = () => socket.destroy();
    closing.addEventListener("abort", end, { once: true });
    socket.once("close", () => closing.removeEventListener("abort", end));
    switch (info.subresource) {
      case "portforward":
        if (!isPortForward(request))
          throw badRequest("unable to upgrade: only SPDY/3.1 and WebSockets that tunnel it are understood");
        await forwardPorts(request, socket, head, (port, signal) => server.proxy.connect(pod, port, signal), log);
        return;
      case "exec":
        await execInContainer(request, socket, head, searchParams, (asked) => server.proxy.exec(pod, asked), clock);
        return;
      default:
        server.proxy.refuse(info.subresource);
    }
  } catch (error) {
    const failure = error instanceof ApiError ? error : internalError(error);
    const body = JSON.stringify(failure.status);
    socket.end(
      `HTTP/1.1 ${failure.code} ${STATUS_CODES[failure.code] ?? "Error"}\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
    );
  }
}
