import { createHash, createHmac } from "node:crypto";

export interface AmazonCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken?: string;
}

export interface SignableRequest {
  readonly method: string;
  readonly url: string;
  /** Names in small letters; `host` comes from the URL. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * The headers of a request to Amazon with the signature added; all given headers are signed.
 * Source: "Signature Version 4" in the AWS documentation; held by its published test vectors. Paths are signed as they are:
 * the requests that we make have none that would have to be encoded twice.
 */
export function signV4(
  request: SignableRequest,
  scope: { readonly region: string; readonly service: string },
  credentials: AmazonCredentials,
  nowMs: number,
): Record<string, string> {
  const url = new URL(request.url);
  const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d{3}/g, "");
  const day = time.slice(0, 8);
  const headers: Record<string, string> = {
    ...request.headers,
    "x-amz-date": time,
    ...(credentials.sessionToken && { "x-amz-security-token": credentials.sessionToken }),
  };
  const signed = Object.entries({ ...headers, host: url.host }).sort(byName);
  const names = signed.map(([name]) => name).join(";");
  const canonical = [
    request.method,
    url.pathname,
    [...url.searchParams]
      .map(([name, value]): [string, string] => [encode(name), encode(value)])
      .sort(byName)
      .map(([name, value]) => `${name}=${value}`)
      .join("&"),
    ...signed.map(([name, value]) => `${name}:${value.trim().replace(/ +/g, " ")}`),
    "",
    names,
    sha256(request.body ?? ""),
  ].join("\n");

  const range = `${day}/${scope.region}/${scope.service}/aws4_request`;
  const toSign = ["AWS4-HMAC-SHA256", time, range, sha256(canonical)].join("\n");
  const key = range
    .split("/")
    .reduce((previous: string | Buffer, part) => hmac(previous, part), `AWS4${credentials.secretAccessKey}`);
  const signature = hmac(key, toSign).toString("hex");
  return {
    ...headers,
    authorization: `AWS4-HMAC-SHA256 Credential=${credentials.accessKeyId}/${range}, SignedHeaders=${names}, Signature=${signature}`,
  };
}

function byName([a, valueA]: readonly [string, string], [b, valueB]: readonly [string, string]): number {
  if (a !== b) return a < b ? -1 : 1;
  return valueA < valueB ? -1 : valueA > valueB ? 1 : 0;
}

/** RFC 3986: all but the unreserved characters. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(text: string): string {
  return createHash("sha256").update(text).digest("hex");
}

function hmac(key: string | Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest();
}
