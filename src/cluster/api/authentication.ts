import { hash, timingSafeEqual } from "node:crypto";
import type { IncomingMessage } from "node:http";
import type { TLSSocket } from "node:tls";
import type { Clock } from "../../lib/clock.ts";
import type { User } from "./call.ts";
import { type TokenSigner, tokenIssuer } from "./service-account-tokens.ts";
import { unauthorized } from "./status-errors.ts";
import type { StorageReader } from "./storage.ts";

export interface Authenticator {
  /** Who sent a request. Throws 401 for credentials that are not good; without any it is system:anonymous. */
  authenticate(request: IncomingMessage): User;
  /** Who a bearer token stands for, and for whom it is meant; undefined when it is not good. */
  userOfToken(token: string): { user: User; audiences: readonly string[] } | undefined;
}

const anonymous: User = { username: "system:anonymous", groups: ["system:unauthenticated"] };
const authenticated = "system:authenticated";

/** Knows the admin token, client certificates of the cluster's authority and service account tokens. */
export function createAuthenticator(
  adminToken: string,
  signer: TokenSigner,
  storage: StorageReader,
  clock: Clock,
): Authenticator {
  const admin = digest(adminToken);
  /** The users of connections with a client certificate, which is read once. */
  const known = new WeakMap<TLSSocket, User>();
  const userOfToken: Authenticator["userOfToken"] = (token) => {
    if (timingSafeEqual(digest(token), admin)) {
      return {
        user: { username: "system:admin", groups: ["system:masters", authenticated] },
        audiences: [tokenIssuer],
      };
    }
    const claims = signer.verify(token, clock.now());
    if (!claims) return undefined;
    const { namespace, serviceaccount, pod, secret } = claims["kubernetes.io"];
    const alive = (resource: string, bound: { name: string; uid: string } | undefined) =>
      bound === undefined || storage.get(resource, namespace, bound.name)?.object.metadata.uid === bound.uid;
    if (!alive("serviceaccounts", serviceaccount) || !alive("pods", pod) || !alive("secrets", secret)) return undefined;
    const user: User = {
      username: `system:serviceaccount:${namespace}:${serviceaccount.name}`,
      uid: serviceaccount.uid,
      groups: ["system:serviceaccounts", `system:serviceaccounts:${namespace}`, authenticated],
      ...(pod && {
        extra: {
          "authentication.kubernetes.io/pod-name": [pod.name],
          "authentication.kubernetes.io/pod-uid": [pod.uid],
        },
      }),
    };
    return { user, audiences: claims.aud };
  };
  return {
    userOfToken,
    authenticate(request) {
      const socket = request.socket as TLSSocket;
      const byCertificate = known.get(socket) ?? userOfCertificate(socket);
      if (byCertificate) known.set(socket, byCertificate);
      if (byCertificate) return byCertificate;
      const header = request.headers.authorization;
      if (!header) return anonymous;
      const token = /^Bearer\s+(\S+)\s*$/i.exec(header)?.[1];
      const found = token === undefined ? undefined : userOfToken(token);
      if (!found?.audiences.includes(tokenIssuer)) throw unauthorized();
      return found.user;
    },
  };
}

function userOfCertificate(socket: TLSSocket): User | undefined {
  if (!socket.authorized) return undefined;
  const { subject } = socket.getPeerCertificate();
  if (!subject?.CN) return undefined;
  const organizations: readonly string[] = subject.O === undefined ? [] : [subject.O].flat();
  return { username: [subject.CN].flat()[0]!, groups: [...organizations, authenticated] };
}

function digest(text: string): Buffer {
  return hash("sha256", text, "buffer");
}
