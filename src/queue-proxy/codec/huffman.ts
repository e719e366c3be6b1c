/**
 * RFC 7541 appendix B. The code is canonical (ordered by length, then by symbol), so the lengths say everything:
 * one letter per symbol 0 to 256, A being 5 bits.
 */
const lengths =
  "ISXXXXXXXTZXXZXXXXXXXXZXXXXXXXXXBFFHIBDGFFDGDBBBAAABBBBBBBCDKBHFIBCCCCCCCCCCCCCCCCCCCCCCDCDIOIJBKABABABBBACCBBBABCBAABCC" +
  "CCCKGJIXPRPPRRRSRSSSSSTSTTRSTSSSSQRSRSSTRQPRRSSQSRRTQRSSQQRQSRSSPRRRSRRSVVPORSRUVVVWWVTUOQVWWVWTQQVVXWWWPTPQRQQSRRUUTTVSVWVVWWWWWXWWWWWVZ";
const shortest = 5;
const endOfString = 256;

/** A decoder state for each inner node of the code tree, a step for each four bits: next state, then the symbol or -1. */
interface Machine {
  readonly next: Int16Array;
  readonly symbol: Int16Array;
  /** Whether a string may end in the state: fewer than eight bits of padding, all ones. */
  readonly final: Uint8Array;
}

let machine: Machine | undefined;

/** Decodes a Huffman-coded string to latin-1, or undefined when it is malformed. */
export function decodeHuffman(bytes: Uint8Array, start: number, end: number): string | undefined {
  machine ??= buildMachine();
  const { next, symbol, final } = machine;
  let state = 0;
  let text = "";
  for (let index = start; index < end; index++) {
    const byte = bytes[index]!;
    for (let shift = 4; shift >= 0; shift -= 4) {
      const step = (state << 4) | ((byte >> shift) & 15);
      state = next[step]!;
      if (state < 0) return undefined;
      if (symbol[step]! >= 0) text += String.fromCharCode(symbol[step]!);
    }
  }
  return final[state] ? text : undefined;
}

interface Node {
  children: [Node | undefined, Node | undefined];
  symbol: number;
  state: number;
}

function buildMachine(): Machine {
  const inner: Node[] = [];
  const makeNode = (): Node => ({ children: [undefined, undefined], symbol: -1, state: -1 });
  const makeInner = (): Node => {
    const node = makeNode();
    node.state = inner.push(node) - 1;
    return node;
  };
  const root = makeInner();
  const symbols = Array.from({ length: lengths.length }, (_, symbol) => ({ symbol, bits: bitsOf(symbol) }));
  symbols.sort((a, b) => a.bits - b.bits || a.symbol - b.symbol);
  let code = 0;
  let bits = shortest;
  for (const entry of symbols) {
    code *= 2 ** (entry.bits - bits);
    bits = entry.bits;
    let node = root;
    for (let bit = bits - 1; bit > 0; bit--) {
      const side = Math.floor(code / 2 ** bit) & 1;
      node = node.children[side] ??= makeInner();
    }
    const leaf = makeNode();
    leaf.symbol = entry.symbol;
    node.children[code & 1] = leaf;
    code++;
  }
  return tabulate(inner, root);
}

function tabulate(inner: readonly Node[], root: Node): Machine {
  const next = new Int16Array(inner.length * 16).fill(-1);
  const symbol = new Int16Array(inner.length * 16).fill(-1);
  const final = new Uint8Array(inner.length);
  for (const node of inner) {
    for (let nibble = 0; nibble < 16; nibble++) {
      const step = (node.state << 4) | nibble;
      let at: Node | undefined = node;
      for (let bit = 3; bit >= 0 && at; bit--) {
        at = at.children[(nibble >> bit) & 1];
        if (at && at.symbol >= 0) {
          if (at.symbol === endOfString) at = undefined;
          else {
            symbol[step] = at.symbol;
            at = root;
          }
        }
      }
      next[step] = at ? at.state : -1;
    }
  }
  let padding: Node | undefined = root;
  for (let depth = 0; depth < 8 && padding; depth++) {
    final[padding.state] = 1;
    padding = padding.children[1];
  }
  return { next, symbol, final };
}

function bitsOf(symbol: number): number {
  return lengths.charCodeAt(symbol) - 65 + shortest;
}
