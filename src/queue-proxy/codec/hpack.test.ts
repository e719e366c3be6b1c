import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { type Field, HpackDecoder, HpackEncoder, HpackError } from "./hpack.ts";
import { decodeHuffman } from "./huffman.ts";

function decode(decoder: HpackDecoder, hex: string): Field[] {
  const fields: Field[] = [];
  const block = Buffer.from(`ff${hex}ff`, "hex");
  decoder.decode(block, 1, block.length - 1, { take: (name, value) => fields.push({ name, value }) });
  return fields;
}

describe("HPACK", () => {
  // RFC 7541 appendix C.4 and C.6.
  const requests = [
    ["828684418cf1e3c2e5f23a6ba0ab90f4ff", ":method GET|:scheme http|:path /|:authority www.example.com"],
    ["828684be5886a8eb10649cbf", ":method GET|:scheme http|:path /|:authority www.example.com|cache-control no-cache"],
    [
      "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf",
      ":method GET|:scheme https|:path /index.html|:authority www.example.com|custom-key custom-value",
    ],
  ] as const;
  test("decodes the RFC's requests with Huffman codes and a growing table", () => {
    const decoder = new HpackDecoder(4096);
    for (const [hex, expected] of requests) {
      const fields = decode(decoder, hex).map(({ name, value }) => `${name} ${value}`);
      assert.equal(fields.join("|"), expected);
    }
  });

  const broken = [
    ["an index of zero", "80"],
    ["an index outside the tables", "be"],
    ["a string that is cut off", "400a63757374"],
    ["an integer that never ends", "ffffffffffffff"],
    ["a table larger than allowed", "3fe17f"],
    ["a table size after a field", "8220"],
    ["Huffman padding that is too long", "4082ffff"],
    ["the end-of-string symbol", "4084ffffffff00"],
  ] as const;
  for (const [name, hex] of broken) {
    test(`refuses ${name}`, () => {
      assert.throws(() => decode(new HpackDecoder(4096), hex), HpackError);
    });
  }

  for (const [name, limit, hex, expected] of [
    ["just as large as the table", 34, "4001610162be", { name: "a", value: "b" }],
    ["that stays while an older one goes", 68, "400161016240016201634001630164bf", { name: "b", value: "c" }],
  ] as const) {
    test(`finds an entry ${name}`, () => {
      assert.deepEqual(decode(new HpackDecoder(limit), hex).at(-1), expected);
      assert.throws(() => decode(new HpackDecoder(33), hex), HpackError);
    });
  }

  const encoded: readonly [string, (encoder: HpackEncoder) => void, string][] = [
    ["a field of the static table", (encoder) => encoder.field(":method", "GET"), "82"],
    ["a name of the static table", (encoder) => encoder.field(":method", "PUT"), "4203505554"],
    ["a new field", (encoder) => encoder.field("x", "y"), "4001780179"],
    [
      "a field that was sent before",
      (encoder) => {
        encoder.field("x", "y");
        encoder.field("z", "y");
        encoder.field("x", "y");
      },
      "400178017940017a0179bf",
    ],
    ["a field that nobody may remember", (encoder) => encoder.field("authorization", "s"), "1f080173"],
    ["a table as large as before", (encoder) => encoder.setLimit(65_536), ""],
    ["a smaller table", (encoder) => encoder.setLimit(30), "3e"],
    [
      "a table that was smaller for a while",
      (encoder) => {
        encoder.setLimit(0);
        encoder.setLimit(4096);
      },
      "203fe11f",
    ],
  ];
  for (const [name, act, hex] of encoded) {
    test(`encodes ${name}`, () => {
      const encoder = new HpackEncoder();
      encoder.begin();
      act(encoder);
      let found = encoder.bytes.toString("hex", 0, encoder.length);
      // Sizes of tables are told at the start of the next block.
      encoder.begin();
      found += encoder.bytes.toString("hex", 0, encoder.length);
      assert.equal(found, hex);
    });
  }

  const text = (characters: string) => fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: 60 });
  const field = fc.record({ name: text("abcdefgh-"), value: text("abc ABC019%/=;,\xe4\xff") });
  test("gives back what it encoded, over many blocks of one connection", () => {
    fc.assert(
      fc.property(fc.array(fc.array(field, { maxLength: 12 }), { maxLength: 12 }), fc.nat(4096), (blocks, limit) => {
        const encoder = new HpackEncoder();
        const decoder = new HpackDecoder(4096);
        encoder.setLimit(limit);
        for (const block of blocks) {
          encoder.begin();
          for (const { name, value } of block) encoder.field(name, value);
          const fields: Field[] = [];
          decoder.decode(encoder.bytes, 0, encoder.length, { take: (name, value) => fields.push({ name, value }) });
          assert.deepEqual(
            fields,
            block.map(({ name, value }) => ({ name, value })),
          );
        }
      }),
      { numRuns: 200 },
    );
  });

  test("arbitrary bytes either decode or are refused", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        try {
          new HpackDecoder(4096).decode(Buffer.from(bytes), 0, bytes.length, { take() {} });
        } catch (error) {
          assert.ok(error instanceof HpackError, String(error));
        }
      }),
      { numRuns: 500 },
    );
  });

  test("every byte has its Huffman code", () => {
    // All 256 symbols in order, padded with ones.
    const hex =
      "ffc7fffd8fffffe2fffffe3fffffe4fffffe5fffffe6fffffe7fffffe8ffffeafffffff3fffffa7fffffabffffffdfffffeb" +
      "fffffecfffffedfffffeefffffefffffff0ffffff1ffffff2fffffffbfffffcffffffd3fffffd7fffffdbfffffdffffffe3f" +
      "ffffe7fffffebfffffed4fe3f9ffaffcabf1febfafefe7fdfd2cbb00089969b71d79fb9f7fff20ffbff3ff50ddbd7f061c58" +
      "f265cd9f469d5af66dddbf871e5f9cff7ff7fffc3ff9ffe45fff4719242cb34e6e9d68a6a3d7dac426defe3cfaf7fffbfe7f" +
      "fbffdffffffcfffe6ffff4bfff9ffffa3fffd3ffff53fffd5ffffb3fffeb7fffdaffffb7ffff73fffeeffffdeffffebffffb" +
      "fffffd9ffffdbfffebffffe0ffffeeffffc3ffff8bffff1ffffe4fffee7fffb1ffff97fffd9ffffcdffff9fffffbffffdaff" +
      "feeffff4ffffb7fffee7fffe8ffffd3fffdeffffd5fffeeffffbdffffe1fffdfffff7fffff5ffffecffff07fff87fffe0fff" +
      "f17fffedffff87ffff77fffeffffeaffff8bfffe3ffff93ffff87fffcbffff37ffff1fffff83ffffe1fffebfffe3ffff3fff" +
      "ff2ffffa3ffffd9fffff17ffffc7fffff27ffffdefffffbffffff2fffff8fffffb7fff97fff8fffffe6fffffc1fffff87fff" +
      "fe7fffffc5ffffe5fffe4ffff2fffffd1fffff4ffffffefffffe3fffffc9fffff97fffb3ffffcffffb7fffcdffff4ffff9ff" +
      "ffd1ffffcffffeaffffafffffddffffeffffff4fffff5fffffabffffa7ffffd7fffff9bffffecfffffb7fffff3fffffe8fff" +
      "ffd3fffffabfffff5fffffff7ffffecfffffdbfffffbbfffff7ffffff0fffffbbf";
    const bytes = Buffer.from(hex, "hex");
    const expected = Buffer.from(Array.from({ length: 256 }, (_, symbol) => symbol)).toString("latin1");
    assert.equal(decodeHuffman(bytes, 0, bytes.length), expected);
  });

  test("a Huffman string may be empty", () => {
    assert.equal(decodeHuffman(Buffer.alloc(0), 0, 0), "");
  });
});
