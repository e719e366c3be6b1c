import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody, sendJson, sendText } from "./answer.ts";
import type { Authenticator } from "./authentication.ts";
import type { Action, Authorizer } from "./authorization.ts";
import { type Api, type Call, isSet, writeOptionsOf } from "./call.ts";
import { parseBody } from "./decode.ts";
import { discover } from "./discovery.ts";
import type { Documents } from "./documents.ts";
import { performExtra } from "./extras.ts";
import { getEntry } from "./list.ts";
import type { NodeProxy } from "./node-proxy.ts";
import { encodeOpenApiV2, openApiV2, openApiV2Media } from "./openapi.ts";
import { patchTypeOf } from "./patch.ts";
import type { Place } from "./place.ts";
import { mediaTypeOf, readObject } from "./request-body.ts";
import { parseResourcePath, type ResourceRequest, verbOf } from "./request-info.ts";
import type { Item } from "./resource.ts";
import { answerReview, virtualResources } from "./reviews.ts";
import { getScale, writeScale } from "./scale.ts";
import type { TokenSigner } from "./service-account-tokens.ts";
import { forbidden, methodNotAllowed, noSuchPath, statusError, unsupportedPatchType } from "./status-errors.ts";
import { answerObject } from "./verbs.ts";

/** What answering requests needs beside the objects themselves. */
export interface Server {
  readonly api: Api;
  readonly authenticator: Authenticator;
  readonly authorizer: Authorizer;
  readonly signer: TokenSigner;
  readonly documents: Documents;
  readonly proxy: NodeProxy;
}

/** Answers one request of a known user. Throws ApiError for what is refused. */
export async function route(
  server: Server,
  call: Call,
  pathname: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const method = request.method ?? "GET";
  const info = parseResourcePath(pathname);
  if (!info) {
    allow(server, call, { verb: method.toLowerCase(), path: pathname }, pathname);
    answerPath(server, pathname, request, response);
    return;
  }
  const watch = isWatch(info, method, call.query);
  const verb = verbOf(method, info, watch);
  allow(server, call, { ...info, verb }, pathname);

  const virtual = virtualResources.find(
    ({ group, version, plural }) => group === info.group && version === info.version && plural === info.resource,
  );
  if (virtual) {
    if (method !== "POST") throw methodNotAllowed();
    const body = await readObject(request);
    const answer = answerReview(virtual.kind, body, call, server.authenticator, server.authorizer);
    sendJson(response, 201, JSON.stringify(answer));
    return;
  }
  const resource = server.api.registry.find(info.group, info.version, info.resource);
  if (!resource) {
    // Groups that nobody serves are unknown to every part of the real server.
    if (server.api.registry.all().some(({ group }) => group === info.group)) throw noSuchPath();
    sendText(response, 404, "404 page not found\n");
    return;
  }
  if (resource.namespaced && info.namespace === "" && method === "POST" && info.name === "") throw methodNotAllowed();
  if (resource.namespaced && info.namespace === "" && info.name !== "") throw noSuchPath();
  if (!resource.namespaced && info.namespace !== "" && resource.key !== "namespaces") throw noSuchPath();
  const namespace = resource.namespaced ? info.namespace : "";
  if (resource.behaviour.deprecated) call.warn(resource.behaviour.deprecated);
  const place: Place = { resource, namespace, name: info.name, subresource: info.subresource };
  if (info.subresource === "" || (info.subresource === "status" && resource.subresources.status)) {
    await answerObject(server.api, call, place, verb, request, response);
  } else if (info.subresource === "scale" && resource.subresources.scale) {
    await answerScale(server.api, call, place, method, request, response);
  } else {
    await answerExtra(server, call, place, info, request, response);
  }
}

function isWatch(info: ResourceRequest, method: string, query: URLSearchParams): boolean {
  return method === "GET" && info.name === "" && isSet(query, "watch");
}

/** Throws 403 in the words of the real server when the user may not do this. */
export function allow({ authorizer }: Server, { user }: Pick<Call, "user">, action: Action, pathname: string): void {
  if (authorizer.decide(user, action).allowed) return;
  const who = `User ${JSON.stringify(user.username)} cannot ${action.verb}`;
  if ("path" in action) {
    throw statusError(403, "Forbidden", `forbidden: ${who} path ${JSON.stringify(pathname)}`, {});
  }
  const { group, resource, subresource, namespace, name } = action;
  const full = subresource === "" ? resource : `${resource}/${subresource}`;
  const scope =
    namespace === "" || resource === "namespaces"
      ? "at the cluster scope"
      : `in the namespace ${JSON.stringify(namespace)}`;
  throw forbidden(
    { group, resource },
    name,
    `${who} resource ${JSON.stringify(full)} in API group ${JSON.stringify(group)} ${scope}`,
  );
}

function answerPath(
  { api, documents }: Server,
  pathname: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  if (request.method !== "GET" && request.method !== "HEAD") throw methodNotAllowed();
  const discovered = discover(api.registry, pathname, request.headers.accept ?? "");
  if (discovered) {
    const text = JSON.stringify(discovered.body);
    response.writeHead(200, { "content-type": discovered.contentType, "content-length": Buffer.byteLength(text) });
    response.end(text);
    return;
  }
  if (pathname === "/openapi/v2") {
    const proto = /com\.github\.proto-openapi\.spec\.v2/.test(request.headers.accept ?? "");
    const body = proto ? encodeOpenApiV2() : Buffer.from(JSON.stringify(openApiV2));
    response.writeHead(200, {
      "content-type": proto ? openApiV2Media : "application/json",
      "content-length": body.length,
    });
    response.end(body);
    return;
  }
  const document = documents.at(pathname);
  if (document === undefined) throw noSuchPath();
  if (typeof document === "string") sendText(response, 200, document);
  else sendJson(response, 200, JSON.stringify(document));
}

async function answerScale(
  api: Api,
  call: Call,
  place: Place,
  method: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  if (method === "GET") {
    sendJson(response, 200, JSON.stringify(getScale(api, place)));
    return;
  }
  if (method !== "PUT" && method !== "PATCH") throw methodNotAllowed();
  const media = mediaTypeOf(request);
  const type = method === "PATCH" ? patchTypeOf(media) : undefined;
  if (method === "PATCH" && !type) throw unsupportedPatchType();
  const body = parseBody(await readBody(request), media);
  sendJson(
    response,
    200,
    JSON.stringify(await writeScale(api, call, place, type, body, writeOptionsOf(call, "UpdateOptions"))),
  );
}

async function answerExtra(
  server: Server,
  call: Call,
  place: Place,
  info: ResourceRequest,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { api } = server;
  const { resource, name, namespace } = place;
  const extra = resource.extras.find((candidate) => candidate.name === info.subresource);
  if (!extra) throw noSuchPath();
  if (`${resource.key}/${info.subresource}` === "pods/log") {
    return server.proxy.log(getEntry(api, resource, namespace, name).object as Item, call, response);
  }
  const method = request.method ?? "GET";
  const performed = await performExtra(api, server.signer, call, place, method, () => readObject(request));
  if (!performed) return server.proxy.refuse(info.subresource);
  sendJson(response, performed.code, JSON.stringify(performed.answer));
}
