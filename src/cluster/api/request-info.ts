/** What a path of the API asks for. */
export interface ResourceRequest {
  readonly group: string;
  readonly version: string;
  readonly resource: string;
  /** Empty for all namespaces and for cluster-scoped resources. */
  readonly namespace: string;
  /** Empty for collections. */
  readonly name: string;
  readonly subresource: string;
  /** What follows the subresource, as in `pods/x/proxy/some/path`. */
  readonly rest: string;
}

/**
 * Splits a path under /api or /apis into its parts; undefined when it does not name a resource (discovery, health).
 * Source: k8s.io/apiserver endpoints/request RequestInfoFactory.
 */
export function parseResourcePath(pathname: string): ResourceRequest | undefined {
  const parts = pathname.split("/").filter((part) => part !== "");
  const core = parts[0] === "api";
  if (!core && parts[0] !== "apis") return undefined;
  const group = core ? "" : (parts[1] ?? "");
  const version = parts[core ? 1 : 2];
  const tail = parts.slice(core ? 2 : 3).map(decode);
  if (!version || tail.length === 0) return undefined;
  if (tail[0] === "namespaces" && tail.length > 2 && !namespaceSubresources.has(tail[2]!)) {
    const [, namespace = "", resource = "", name = "", subresource = "", ...rest] = tail;
    return { group, version, resource, namespace, name, subresource, rest: rest.join("/") };
  }
  const [resource = "", name = "", subresource = "", ...rest] = tail;
  const namespace = resource === "namespaces" && core ? name : "";
  return { group, version, resource, namespace, name, subresource, rest: rest.join("/") };
}

const namespaceSubresources = new Set(["status", "finalize"]);

function decode(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

/** The RBAC verb of a request. */
export function verbOf(method: string, request: ResourceRequest, watch: boolean): string {
  const collection = request.name === "";
  switch (method) {
    case "GET":
    case "HEAD":
      if (watch) return "watch";
      return collection ? "list" : "get";
    case "POST":
      return "create";
    case "PUT":
      return "update";
    case "PATCH":
      return "patch";
    case "DELETE":
      return collection ? "deletecollection" : "delete";
    default:
      return method.toLowerCase();
  }
}
