import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "./answer.ts";
import { type Api, type Call, writeOptionsOf } from "./call.ts";
import { decodeItem } from "./decode-item.ts";
import { deleteOptionsOf, remove, removeCollection } from "./delete.ts";
import { getEntry, listPage } from "./list.ts";
import { type PatchType, patchTypeOf } from "./patch.ts";
import { patchObject } from "./patch-request.ts";
import type { Place } from "./place.ts";
import { renderEntry, renderList, viewOf } from "./render.ts";
import { mediaTypeOf, optionalBody, readObject } from "./request-body.ts";
import { targetOf } from "./resource.ts";
import { methodNotAllowed, methodNotSupported, unsupportedPatchType } from "./status-errors.ts";
import type { Stored } from "./storage.ts";
import { cloneJson } from "./typed-values.ts";
import { serveWatch } from "./watch.ts";
import { create, update } from "./write.ts";

/** Answers the verbs that all stored kinds share, for an object or its status. */
export async function answerObject(
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
  const send = (code: number, entry: Stored) =>
    sendJson(response, code, renderEntry(resource, entry, view, api.clock.now()));
  switch (verb) {
    case "get": {
      send(200, getEntry(api, resource, namespace, name));
      return;
    }
    case "list":
      sendJson(response, 200, renderList(resource, listPage(api, call, resource, namespace), view, api.clock.now()));
      return;
    case "watch":
      return serveWatch(api, call, resource, namespace, view, response);
    case "deletecollection": {
      const options = deleteOptionsOf(await optionalBody(request), call.query);
      const entries = await removeCollection(api, call, place, options);
      const deleted = { entries, revision: api.storage.revision };
      sendJson(response, 200, renderList(resource, deleted, view, api.clock.now()));
      return;
    }
    case "create":
    case "update":
    case "patch":
    case "delete": {
      const type = patchTypeOf(mediaTypeOf(request));
      if (verb === "patch" && !type) throw unsupportedPatchType();
      const body = () => (verb === "delete" ? optionalBody(request) : readObject(request));
      const { code, entry, gone } = await writeObject(api, call, place, verb, body, type);
      if (gone && !returnsDeleted.has(resource.key))
        sendJson(response, code, JSON.stringify(deletedStatus(place, entry)));
      else send(code, entry);
      return;
    }
    default:
      throw methodNotAllowed();
  }
}

/** What became of a write, and the status code that tells of it. `gone`: the object was deleted for good. */
export interface Written {
  readonly code: number;
  readonly entry: Stored;
  readonly gone: boolean;
}

/** Carries out a verb that writes one object. `body` gives what was sent, parsed, and `type` says which patch it is. */
export async function writeObject(
  api: Api,
  call: Call,
  place: Place,
  verb: "create" | "update" | "patch" | "delete",
  body: () => unknown,
  type: PatchType | undefined,
): Promise<Written> {
  const { resource, name } = place;
  switch (verb) {
    case "create": {
      if (name !== "") throw methodNotAllowed();
      const options = writeOptionsOf(call, "CreateOptions");
      const entry = await create(api, call, place, decodeItem(resource, await body(), options, call), options);
      return { code: 201, entry, gone: false };
    }
    case "update": {
      if (name === "") throw methodNotAllowed();
      const options = writeOptionsOf(call, "UpdateOptions");
      const sent = decodeItem(resource, await body(), options, call);
      const { needsRevision = false } = resource.behaviour;
      const retries = !sent.metadata.resourceVersion;
      const names = { make: () => (retries ? cloneJson(sent) : sent), retries, needsRevision };
      const creates = (resource.behaviour.createsOnUpdate ?? false) && place.subresource === "";
      const { entry, created } = await update(api, call, place, { ...names, creates }, options);
      return { code: created ? 201 : 200, entry, gone: false };
    }
    case "patch": {
      const options = writeOptionsOf(call, "PatchOptions");
      const { entry, created } = await patchObject(api, call, place, type!, await body(), options);
      return { code: created ? 201 : 200, entry, gone: false };
    }
    case "delete": {
      const { entry, gone } = await remove(api, call, place, deleteOptionsOf(await body(), call.query));
      return { code: 200, entry, gone };
    }
  }
}

/** Kinds whose deletion answers with the object that was deleted. */
const returnsDeleted = new Set([
  "persistentvolumeclaims",
  "persistentvolumes",
  "pods",
  "resourcequotas",
  "serviceaccounts",
  "services",
  "storage.k8s.io/storageclasses",
]);

function deletedStatus({ resource, name }: Place, { object }: Stored): object {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Success",
    details: {
      name,
      ...(resource.group !== "" && { group: resource.group }),
      kind: resource.plural,
      uid: object.metadata.uid,
    },
  };
}
