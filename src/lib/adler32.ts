/** The Adler-32 checksum of a text's UTF-8 bytes (RFC 1950), which short names are told apart by. */
export function adler32(text: string): number {
  const modulus = 65521;
  let low = 1;
  let high = 0;
  for (const byte of Buffer.from(text)) {
    low = (low + byte) % modulus;
    high = (high + low) % modulus;
  }
  return high * 65536 + low;
}
