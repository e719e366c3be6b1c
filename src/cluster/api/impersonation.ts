import type { IncomingHttpHeaders } from "node:http";
import type { Authorizer } from "./authorization.ts";
import type { User } from "./call.ts";
import { badRequest, forbidden } from "./status-errors.ts";

/**
 * Acts as the user that the Impersonate headers name (`kubectl --as`), where the sender may do so.
 * Source: k8s.io/apiserver endpoints/filters/impersonation.go.
 */
export function impersonated(user: User, headers: IncomingHttpHeaders, authorizer: Authorizer): User {
  const name = single(headers["impersonate-user"]);
  const groups = listed(headers["impersonate-group"]);
  if (name === undefined) {
    if (groups.length === 0) return user;
    throw badRequest("requested [] without impersonating a user");
  }
  const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(name);
  const check = (resource: string, namespace: string, asked: string) => {
    const action = { verb: "impersonate", group: "", resource, subresource: "", namespace, name: asked };
    if (authorizer.decide(user, action).allowed) return;
    const scope = namespace === "" ? "at the cluster scope" : `in the namespace ${JSON.stringify(namespace)}`;
    const why = `User ${JSON.stringify(user.username)} cannot impersonate resource ${JSON.stringify(resource)} in API group "" ${scope}`;
    throw forbidden({ group: "", resource }, asked, why);
  };
  if (account) check("serviceaccounts", account[1]!, account[2]!);
  else check("users", "", name);
  for (const group of groups) check("groups", "", group);
  const own = account ? ["system:serviceaccounts", `system:serviceaccounts:${account[1]}`] : [];
  const all = groups.length > 0 ? groups : own;
  const known = name === "system:anonymous" ? "system:unauthenticated" : "system:authenticated";
  return { username: name, groups: all.includes(known) ? all : [...all, known] };
}

function single(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value[0] : value;
}

/** Node joins repeated headers with a comma and a space. */
function listed(value: string | string[] | undefined): string[] {
  if (value === undefined) return [];
  return Array.isArray(value) ? value : value.split(", ");
}
