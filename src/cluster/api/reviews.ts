import type { Authenticator } from "./authentication.ts";
import type { Authorizer } from "./authorization.ts";
import type { Call, User } from "./call.ts";
import type { Discoverable } from "./discovery.ts";
import { badRequest } from "./status-errors.ts";
import { type Fields, isMap } from "./typed-values.ts";

const review = (group: string, kind: string, plural: string, namespaced = false): Discoverable => ({
  group,
  version: "v1",
  kind,
  plural,
  singular: kind.toLowerCase(),
  namespaced,
  shortNames: [],
  categories: [],
  verbs: ["create"],
  subresources: {},
  extras: [],
});

/** Kinds that are questions: they are answered, not stored. */
export const virtualResources: readonly Discoverable[] = [
  review("authentication.k8s.io", "TokenReview", "tokenreviews"),
  review("authentication.k8s.io", "SelfSubjectReview", "selfsubjectreviews"),
  review("authorization.k8s.io", "SubjectAccessReview", "subjectaccessreviews"),
  review("authorization.k8s.io", "SelfSubjectAccessReview", "selfsubjectaccessreviews"),
  review("authorization.k8s.io", "LocalSubjectAccessReview", "localsubjectaccessreviews", true),
  review("authorization.k8s.io", "SelfSubjectRulesReview", "selfsubjectrulesreviews"),
];

/** Answers a review: who a token is, or what somebody may do. */
export function answerReview(
  kind: string,
  body: unknown,
  call: Call,
  authenticator: Authenticator,
  authorizer: Authorizer,
): Fields {
  if (!isMap(body)) throw badRequest(`expected a ${kind}`);
  const spec = isMap(body["spec"]) ? body["spec"] : {};
  const answer = (status: Fields): Fields => ({
    ...body,
    kind,
    apiVersion: body["apiVersion"] ?? apiVersionOf(kind),
    metadata: {},
    status,
  });
  switch (kind) {
    case "TokenReview": {
      const found = typeof spec["token"] === "string" ? authenticator.userOfToken(spec["token"]) : undefined;
      const wanted = Array.isArray(spec["audiences"]) ? (spec["audiences"] as string[]) : [];
      const audiences =
        found && wanted.length > 0 ? found.audiences.filter((audience) => wanted.includes(audience)) : found?.audiences;
      if (!found || audiences?.length === 0) {
        return answer({ user: {}, error: "invalid bearer token" });
      }
      return answer({ authenticated: true, user: userInfo(found.user), audiences });
    }
    case "SelfSubjectReview":
      return answer({ userInfo: userInfo(call.user) });
    case "SelfSubjectRulesReview": {
      const namespace = typeof spec["namespace"] === "string" ? spec["namespace"] : "";
      return answer({ ...authorizer.rulesFor(call.user, namespace), incomplete: false });
    }
    default: {
      const user = kind === "SelfSubjectAccessReview" ? call.user : userOf(spec);
      return answer(decide(spec, user, authorizer));
    }
  }
}

const apiVersionOf = (kind: string) => {
  const found = virtualResources.find((resource) => resource.kind === kind)!;
  return `${found.group}/${found.version}`;
};

function userOf(spec: Fields): User {
  return {
    username: String(spec["user"] ?? ""),
    groups: Array.isArray(spec["groups"]) ? (spec["groups"] as string[]) : [],
  };
}

function decide(spec: Fields, user: User, authorizer: Authorizer): Fields {
  const resource = spec["resourceAttributes"];
  const path = spec["nonResourceAttributes"];
  const text = (source: Fields, name: string) => (typeof source[name] === "string" ? (source[name] as string) : "");
  const decision = isMap(resource)
    ? authorizer.decide(user, {
        verb: text(resource, "verb"),
        group: text(resource, "group"),
        resource: text(resource, "resource"),
        subresource: text(resource, "subresource"),
        namespace: text(resource, "namespace"),
        name: text(resource, "name"),
      })
    : isMap(path)
      ? authorizer.decide(user, { verb: text(path, "verb"), path: text(path, "path") })
      : undefined;
  if (!decision) throw badRequest("exactly one of nonResourceAttributes or resourceAttributes must be specified");
  return { allowed: decision.allowed, ...(decision.reason && { reason: decision.reason }) };
}

function userInfo(user: User): Fields {
  return {
    username: user.username,
    ...(user.uid && { uid: user.uid }),
    groups: user.groups,
    ...(user.extra && { extra: user.extra }),
  };
}
