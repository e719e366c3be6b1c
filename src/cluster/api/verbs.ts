import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "./answer.ts";
import { type Api, type Call, writeOptionsOf } from "./call.ts";
import { decodeItem } from "./decode-item.ts";
import { deleteOptionsOf, remove } from "./delete.ts";
import { filterOf, getEntry, listPage } from "./list.ts";
import { patchTypeOf } from "./patch.ts";
import { patchObject } from "./patch-request.ts";
import type { Place } from "./place.ts";
import { jsonOf, renderItem, renderList, viewOf } from "./render.ts";
import { mediaTypeOf, optionalBody, readObject } from "./request-body.ts";
import { type Item, targetOf } from "./resource.ts";
import { methodNotAllowed, methodNotSupported, unsupportedPatchType } from "./status-errors.ts";
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
const returnsDeleted = new Set([
  "persistentvolumeclaims",
  "persistentvolumes",
  "pods",
  "resourcequotas",
  "serviceaccounts",
  "services",
  "storage.k8s.io/storageclasses",
]);

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
