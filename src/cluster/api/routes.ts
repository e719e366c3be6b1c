import type { IncomingMessage, ServerResponse } from "node:http";
import { readBody, sendJson, sendText } from "./answer.ts";
import type { Authenticator } from "./authentication.ts";
import type { Action, Authorizer } from "./authorization.ts";
import { type Api, type Call, writeOptionsOf } from "./call.ts";
import { parseBody } from "./decode.ts";
import { decodeItem } from "./decode-item.ts";
import { deleteOptionsOf, remove } from "./delete.ts";
import { discover } from "./discovery.ts";
import type { Documents } from "./documents.ts";
import { evict } from "./eviction.ts";
import { filterOf, getEntry, listPage } from "./list.ts";
import { finalizeNamespace } from "./namespaces.ts";
import type { NodeProxy } from "./node-proxy.ts";
import { encodeOpenApiV2, openApiV2, openApiV2Media } from "./openapi.ts";
import { patchTypeOf } from "./patch.ts";
import { patchObject } from "./patch-request.ts";
import type { Place } from "./place.ts";
import { bindPod, issueServiceAccountToken } from "./pod-subresources.ts";
import { decodeProtobuf, loadProtobufTable, protobufMedia } from "./protobuf.ts";
import { jsonOf, renderItem, renderList, viewOf } from "./render.ts";
import { parseResourcePath, type ResourceRequest, verbOf } from "./request-info.ts";
import { type Item, targetOf } from "./resource.ts";
import { answerReview, virtualResources } from "./reviews.ts";
import { getScale, writeScale } from "./scale.ts";
import type { TokenSigner } from "./service-account-tokens.ts";
import {
  forbidden,
  methodNotAllowed,
  methodNotSupported,
  noSuchPath,
  statusError,
  unsupportedPatchType,
} from "./status-errors.ts";
import { cloneJson } from "./typed-values.ts";
import { serveWatch } from "./watch.ts";
import { create, update } from "./write.ts";

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
  const asked = query.get("watch");
  return method === "GET" && info.name === "" && (asked === "true" || asked === "1");
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

async function answerObject(
  api: Api,
  call: Call,
  place: Place,
  verb: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { resource, namespace, name } = place;
  const target = targetOf(resource);
  const needed =
    verb === "patch" || verb === "update" || place.subresource === "" ? verb : verb === "get" ? "get" : undefined;
  if (!needed || !resource.verbs.includes(needed)) throw methodNotSupported(target, verb);
  const view = viewOf(request.headers.accept, call.query);
  const send = (code: number, item: Item) =>
    sendJson(response, code, renderItem(resource, item, view, api.clock.now()));
  const body = () => readObject(request);
  switch (verb) {
    case "get": {
      const entry = getEntry(api, resource, namespace, name);
      if (view.as === "Object") sendJson(response, 200, jsonOf(resource, entry));
      else send(200, entry.object as Item);
      return;
    }
    case "list":
      sendJson(response, 200, renderList(resource, listPage(api, call, resource, namespace), view, api.clock.now()));
      return;
    case "watch":
      return serveWatch(api, call, resource, namespace, view, response);
    case "create": {
      if (name !== "") throw methodNotAllowed();
      const options = writeOptionsOf(call, "CreateOptions");
      send(201, await create(api, call, place, decodeItem(resource, await body(), options, call), options));
      return;
    }
    case "update": {
      if (name === "") throw methodNotAllowed();
      const options = writeOptionsOf(call, "UpdateOptions");
      const sent = decodeItem(resource, await body(), options, call);
      const { needsRevision = false } = resource.behaviour;
      const names = { make: () => cloneJson(sent), retries: !sent.metadata.resourceVersion, needsRevision };
      const creates = (resource.behaviour.createsOnUpdate ?? false) && place.subresource === "";
      const { item, created } = await update(api, call, place, { ...names, creates }, options);
      send(created ? 201 : 200, item);
      return;
    }
    case "patch": {
      const type = patchTypeOf(mediaTypeOf(request));
      if (!type) throw unsupportedPatchType();
      const options = writeOptionsOf(call, "PatchOptions");
      const { item, created } = await patchObject(api, call, place, type, await body(), options);
      send(created ? 201 : 200, item);
      return;
    }
    case "delete": {
      const options = deleteOptionsOf(await optionalBody(request), call.query);
      const { item, gone } = await remove(api, call, place, options);
      if (gone && !returnsDeleted.has(resource.key))
        sendJson(response, 200, JSON.stringify(deletedStatus(place, item)));
      else send(200, item);
      return;
    }
    case "deletecollection": {
      const options = deleteOptionsOf(await optionalBody(request), call.query);
      const filter = filterOf(resource, namespace, call.query);
      const entries = api.storage.list(resource.key, namespace).filter(filter);
      await Promise.all(
        entries.map((entry) =>
          remove(api, call, { ...place, namespace: entry.namespace, name: entry.name }, options).catch(
            (error: unknown) => {
              if ((error as { code?: number }).code === 404) return undefined;
              throw error;
            },
          ),
        ),
      );
      const deleted = { entries, revision: api.storage.revision };
      sendJson(response, 200, renderList(resource, deleted, view, api.clock.now()));
      return;
    }
    default:
      throw methodNotAllowed();
  }
}

/** Kinds whose deletion answers with the object that was deleted. */
const returnsDeleted = new Set(["persistentvolumeclaims", "persistentvolumes", "pods", "serviceaccounts", "services"]);

function deletedStatus({ resource, name }: Place, item: Item): object {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name,
      ...(resource.group !== "" && { group: resource.group }),
      kind: resource.plural,
      uid: item.metadata.uid,
    },
  };
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
  const method = request.method ?? "GET";
  const body = () => readObject(request);
  switch (`${resource.key}/${info.subresource}`) {
    case "pods/log":
      return server.proxy.log(getEntry(api, resource, namespace, name).object as Item, call, response);
    case "pods/eviction":
      if (method !== "POST") throw methodNotAllowed();
      sendJson(response, 201, JSON.stringify(await evict(api, call, place, await body())));
      return;
    case "pods/binding":
      if (method !== "POST") throw methodNotAllowed();
      sendJson(response, 201, JSON.stringify(await bindPod(api, call, place, await body())));
      return;
    case "serviceaccounts/token":
      if (method !== "POST") throw methodNotAllowed();
      sendJson(response, 201, JSON.stringify(issueServiceAccountToken(api, server.signer, place, await body())));
      return;
    case "namespaces/finalize": {
      if (method !== "PUT") throw methodNotAllowed();
      const options = writeOptionsOf(call, "UpdateOptions");
      const sent = decodeItem(resource, await body(), options, call);
      sendJson(response, 200, JSON.stringify(await finalizeNamespace(api, name, sent)));
      return;
    }
    default:
      return server.proxy.refuseWithoutUpgrade(info.subresource);
  }
}

/** The media type of the body, without parameters, in small letters. */
export function mediaTypeOf(request: IncomingMessage): string {
  return (request.headers["content-type"] ?? "").split(";")[0]!.trim().toLowerCase();
}

async function optionalBody(request: IncomingMessage): Promise<unknown> {
  const body = await readBody(request);
  return body.length === 0 ? undefined : parseObject(body, mediaTypeOf(request));
}

async function readObject(request: IncomingMessage): Promise<unknown> {
  return parseObject(await readBody(request), mediaTypeOf(request));
}

async function parseObject(body: Buffer, mediaType: string): Promise<unknown> {
  if (mediaType !== protobufMedia) return parseBody(body, mediaType);
  await loadProtobufTable();
  return decodeProtobuf(body);
}
