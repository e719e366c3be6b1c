/** Requests at once, wanted from a moment on; between two points the load changes evenly. */
export type Shape = readonly (readonly [atSeconds: number, concurrency: number])[];

const base = 7;
/** Changes of a moment. */
const edge = 0.01;

/** The loads that are run, each beginning at a base that two pods can bear and ending there. */
export const shapes: Readonly<Record<string, Shape>> = {
  step: [
    [0, base],
    [8, base],
    [8 + edge, 2 * base],
    [20, 2 * base],
    [20 + edge, base],
  ],
  ramp: [
    [0, base],
    [4, base],
    [20, 30],
    [20 + edge, base],
  ],
  sawtooth: [
    [0, base],
    [4, base],
    ...[0, 1, 2].flatMap((tooth): Shape => {
      const begin = 4 + 6 * tooth;
      return [
        [begin + edge, base],
        [begin + 6, 22],
        [begin + 6 + edge / 2, base],
      ];
    }),
  ],
  burst: [
    [0, base],
    [5, base],
    [5 + edge, 40],
    [8, 40],
    [8 + edge, base],
  ],
};

/** A shape that begins later, with its base before. */
export function delayed(shape: Shape, seconds: number): Shape {
  return [[0, base], ...shape.map(([at, concurrency]) => [at + seconds, concurrency] as const)];
}

/** The load of a shape at a time; the last one stays. */
export function loadOf(shape: Shape, atSeconds: number): number {
  const next = shape.findIndex(([at]) => at > atSeconds);
  if (next < 0) return shape.at(-1)![1];
  const [from, before] = shape[Math.max(0, next - 1)]!;
  const [to, after] = shape[next]!;
  return next === 0 ? after : before + ((after - before) * (atSeconds - from)) / (to - from);
}

/** When a shape's load has come back to its base for good. */
export function endOf(shape: Shape): number {
  return shape.at(-1)![0];
}
