import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const corpus = JSON.parse(
  readFileSync(fileURLToPath(new URL("../corpus/queue-proxy/requests.json", import.meta.url)), "utf8"),
) as readonly string[];

const pieces = [
  "\r\n",
  "\n",
  "\r",
  " ",
  "\t",
  ":",
  ";",
  ",",
  "\0",
  "0",
  "1",
  "a",
  "chunked",
  "Content-Length: 3\r\n",
  "Transfer-Encoding: chunked\r\n",
  "\r\n\r\n",
  "0\r\n\r\n",
  "GET /s HTTP/1.1\r\nHost: s\r\n\r\n",
  "HTTP/1.0",
  "Host: b\r\n",
  "\x80",
  "\x0b",
  "x",
  "+",
  "-",
  "5;a=b\r\n",
  "Connection: close\r\n",
];

/** Makes requests that are nearly right, from the corpus; the same seed gives the same ones. */
export function createMutator(seed: number): () => string {
  let state = seed || 1;
  /** A number from 0 to `limit`, excluded (xorshift). */
  const random = (limit: number): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % limit;
  };
  const mutate = (text: string): string => {
    let result = text;
    for (let count = 1 + random(3); count > 0; count--) {
      const at = random(result.length + 1);
      const other = corpus[random(corpus.length)]!;
      switch (random(6)) {
        case 0:
          result = result.slice(0, at) + pieces[random(pieces.length)] + result.slice(at);
          break;
        case 1:
          result = result.slice(0, at) + result.slice(at + 1 + random(4));
          break;
        case 2:
          result = result.slice(0, at) + String.fromCharCode(random(256)) + result.slice(at + 1);
          break;
        case 3:
          result = result.slice(0, at) + result.slice(random(result.length + 1), at + random(40)) + result.slice(at);
          break;
        case 4:
          result = result.slice(0, at) + other.slice(random(other.length));
          break;
        default:
          result += other;
      }
    }
    return result.slice(0, 4096);
  };
  return () => mutate(corpus[random(corpus.length)]!);
}
