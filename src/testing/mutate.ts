/** A stream of numbers that look random and are the same for the same seed. */
export interface Dice {
  /** A whole number from 0 below `sides`. */
  roll(sides: number): number;
  pick<T>(choices: readonly T[]): T;
}

/** Source of the algorithm: Marsaglia, Xorshift RNGs (2003). */
export function dice(seed: number): Dice {
  let state = seed | 0 || 1;
  const roll = (sides: number) => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return (state >>> 0) % sides;
  };
  return { roll, pick: (choices) => choices[roll(choices.length)]! };
}

/** Values that programs stumble over. */
const odd: readonly unknown[] = [
  null,
  true,
  false,
  0,
  -1,
  1.5,
  1e308,
  2 ** 53 + 2,
  "",
  " ",
  "a",
  "__proto__",
  "constructor",
  "100%",
  "1e999999999",
  "{{.Name}}",
  "\u0000",
  "\ud800",
  "é".repeat(300),
  "x".repeat(70_000),
  [],
  {},
  [null],
  [[]],
  { "": {} },
  { a: { b: { c: {} } } },
];

/** A copy of a JSON value with a few parts changed, removed, moved or doubled. */
export function mutated(value: unknown, { roll, pick }: Dice): unknown {
  let root = structuredClone(value);
  for (let changes = 1 + roll(3); changes > 0; changes--) {
    const places = placesIn(root);
    if (places.length === 0) return pick(odd);
    const { holder, key } = pick(places);
    const other = pick(places);
    switch (roll(6)) {
      case 0:
        remove(holder, key);
        break;
      case 1:
        write(holder, key, structuredClone(read(other.holder, other.key)));
        break;
      case 2:
        write(holder, pick([`${key}x`, key.toUpperCase(), "__proto__", "constructor"]), read(holder, key));
        break;
      case 3:
        write(holder, key, nested(1 + roll(60)));
        break;
      case 4:
        if (Array.isArray(holder)) holder.push(...structuredClone(holder));
        else write(holder, key, [read(holder, key)]);
        break;
      default:
        write(holder, key, structuredClone(pick(odd)));
    }
    if (roll(200) === 0) root = [root];
  }
  return root;
}

/** JSON text with a few bytes changed, cut off or doubled. */
export function mutatedBytes(text: string, { roll }: Dice): Buffer {
  const bytes = Buffer.from(text);
  switch (roll(3)) {
    case 0:
      return bytes.subarray(0, roll(bytes.length + 1));
    case 1: {
      const at = roll(bytes.length);
      return Buffer.concat([bytes.subarray(0, at), bytes.subarray(roll(bytes.length))]);
    }
    default:
      for (let changes = 1 + roll(4); changes > 0 && bytes.length > 0; changes--) bytes[roll(bytes.length)] = roll(256);
      return bytes;
  }
}

interface Place {
  readonly holder: object;
  readonly key: string;
}

function placesIn(value: unknown, found: Place[] = []): Place[] {
  if (typeof value !== "object" || value === null) return found;
  for (const key of Object.keys(value)) {
    found.push({ holder: value, key });
    placesIn(read(value, key), found);
  }
  return found;
}

function read(holder: object, key: string): unknown {
  return Reflect.get(holder, key);
}

/** An own property, whatever its name is. */
function write(holder: object, key: string, value: unknown): void {
  if (Array.isArray(holder) && !/^\d+$/.test(key)) holder.push(value);
  else Object.defineProperty(holder, key, { value, writable: true, enumerable: true, configurable: true });
}

function remove(holder: object, key: string): void {
  if (Array.isArray(holder)) holder.splice(Number(key), 1);
  else Reflect.deleteProperty(holder, key);
}

function nested(depth: number): unknown {
  let value: unknown = "deep";
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? [value] : { a: value };
  return value;
}
