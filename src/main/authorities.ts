import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/**
 * The certificates, PEM, that registries may have beside what Node trusts by itself: the cluster's own authority, and the
 * directories in SSL_CERT_DIR where that lists several, of which Node reads none. What cannot be read is left out.
 */
export function registryAuthorities(environment: Readonly<Record<string, string | undefined>>): string[] {
  const root = environment["HAKN_ROOT"] ?? "";
  const directories = (environment["SSL_CERT_DIR"] ?? "").split(":").filter(Boolean);
  const files = directories.length > 1 ? directories.flatMap(filesIn) : [];
  const cluster = `${root}/var/run/secrets/kubernetes.io/serviceaccount/ca.crt`;
  return [cluster, ...files].flatMap((path) => {
    const content = readOr(() => readFileSync(path, "utf8"), "");
    return content.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  });
}

function filesIn(directory: string): string[] {
  return readOr(() => readdirSync(directory), []).map((name) => join(directory, name));
}

function readOr<T>(read: () => T, otherwise: T): T {
  try {
    return read();
  } catch {
    return otherwise;
  }
}
