import type { IncomingMessage, ServerResponse } from "node:http";
import { sendJson } from "./answer.ts";
import { type Api, type Call, writeOptionsOf } from "./call.ts";
import { decodeItem } from "./decode-item.ts";
import { deleteOptionsOf, remove } from "./delete.ts";
import { filterOf, getEntry, listPage } from "./list.ts";
import { patchTypeOf } from "./patch.ts";
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
  const body = () => readObject(request);
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
      const retries = !sent.metadata.resourceVersion;
      const names = { make: () => (retries ? cloneJson(sent) : sent), retries, needsRevision };
      const creates = (resource.behaviour.createsOnUpdate ?? false) && place.subresource === "";
      const { entry, created } = await update(api, call, place, { ...names, creates }, options);
      send(created ? 201 : 200, entry);
      return;
    }
    case "patch": {
      const type = patchTypeOf(mediaTypeOf(request));
      if (!type) throw unsupportedPatchType();
      const options = writeOptionsOf(call, "PatchOptions");
      const { entry, created } = await patchObject(api, call, place, type, await body(), options);
      send(created ? 201 : 200, entry);
      return;
    }
    case "delete": {
      const options = deleteOptionsOf(await optionalBody(request), call.query);
      const { entry, gone } = await remove(api, call, place, options);
      if (gone && !returnsDeleted.has(resource.key))
        sendJson(response, 200, JSON.stringify(deletedStatus(place, entry)));
      else send(200, entry);
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
