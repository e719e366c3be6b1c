import { kubernetesRelease, kubernetesVersion } from "../kubernetes-release.ts";
import { createOpenApi } from "./openapi.ts";
import type { Registry } from "./registry.ts";
import type { TokenSigner } from "./service-account-tokens.ts";
import { tokenIssuer } from "./service-account-tokens.ts";

/** What the server tells about itself at paths that are no resources. */
export interface Documents {
  /** Plain text, a JSON document, or undefined for a path that does not exist. */
  at(pathname: string): string | object | undefined;
}

/** The Kubernetes release whose API this server speaks. */
export const version = {
  major: kubernetesRelease.major,
  minor: kubernetesRelease.minor,
  gitVersion: `${kubernetesVersion}+hakn`,
  gitCommit: "",
  gitTreeState: "clean",
  buildDate: "1970-01-01T00:00:00Z",
  goVersion: "",
  compiler: "",
  platform: `${process.platform}/${process.arch === "x64" ? "amd64" : process.arch}`,
};

export function createDocuments(registry: Registry, signer: TokenSigner, url: () => string): Documents {
  const openApi = createOpenApi(registry);
  return {
    at(pathname) {
      if (pathname === "/openapi/v3" || pathname.startsWith("/openapi/v3/")) return openApi.at(pathname);
      switch (pathname) {
        case "/healthz":
        case "/livez":
        case "/readyz":
          return "ok";
        case "/":
          return { paths: ["/api", "/apis", "/healthz", "/livez", "/openapi/v3", "/readyz", "/version"] };
        case "/version":
          return version;
        case "/.well-known/openid-configuration":
          return {
            issuer: tokenIssuer,
            jwks_uri: `${url()}/openid/v1/jwks`,
            response_types_supported: ["id_token"],
            subject_types_supported: ["public"],
            id_token_signing_alg_values_supported: ["ES256"],
          };
        case "/openid/v1/jwks":
          return { keys: [signer.jwk] };
        default:
          return undefined;
      }
    },
  };
}
