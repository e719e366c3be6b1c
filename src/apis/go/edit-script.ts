/** How two elements of lists compare: how many of their leaves are equal, and how many are not. */
export interface Likeness {
  readonly same: number;
  readonly different: number;
}

/** One step from one list to another. "same" and "changed" take an element of both, the others of one list only. */
export type Edit = "same" | "changed" | "removed" | "added";

interface Point {
  x: number;
  y: number;
}

/**
 * How a list of `nx` elements becomes one of `ny` elements; not always the shortest way, but found in linear time.
 * Source: github.com/google/go-cmp v0.6.0 diff.Difference, searching forwards first (it chooses at random).
 */
export function editScript(nx: number, ny: number, compare: (x: number, y: number) => Likeness): readonly Edit[] {
  const head: Edit[] = [];
  const tail: Edit[] = [];
  const front: Point = { x: 0, y: 0 };
  const back: Point = { x: nx, y: ny };
  const frontSearch: Point = { x: 0, y: 0 };
  const backSearch: Point = { x: nx, y: ny };
  let budget = 4 * (nx + ny);
  const isSame = (x: number, y: number) => compare(x, y).different === 0;
  const forward = (edit: Edit) => step(head, front, edit, 1);
  const backward = (edit: Edit) => step(tail, back, edit, -1);
  const isDone = () => frontSearch.x >= backSearch.x || frontSearch.y >= backSearch.y || budget === 0;

  for (;;) {
    if (isDone()) break;
    for (let i = 0, left = false, right = false; !(left && right) && budget > 0; i++) {
      const z = zigzag(i);
      const [x, y] = [frontSearch.x + z, frontSearch.y - z];
      if (x >= back.x || y < front.y) left = true;
      else if (y >= back.y || x < front.x) right = true;
      else if (isSame(x, y)) {
        connectForward(front, { x, y }, compare, forward);
        forward("same");
        while (front.x < back.x && front.y < back.y && isSame(front.x, front.y)) forward("same");
        Object.assign(frontSearch, front);
        break;
      } else budget--;
    }
    if (back.x - frontSearch.x >= back.y - frontSearch.y) frontSearch.x++;
    else frontSearch.y++;

    if (isDone()) break;
    for (let i = 0, left = false, right = false; !(left && right) && budget > 0; i++) {
      const z = zigzag(i);
      const [x, y] = [backSearch.x - z, backSearch.y + z];
      if (front.x >= x || back.y < y) left = true;
      else if (front.y >= y || back.x < x) right = true;
      else if (isSame(x - 1, y - 1)) {
        connectBackward(back, { x, y }, compare, backward);
        backward("same");
        while (front.x < back.x && front.y < back.y && isSame(back.x - 1, back.y - 1)) backward("same");
        Object.assign(backSearch, back);
        break;
      } else budget--;
    }
    if (backSearch.x - front.x >= backSearch.y - front.y) backSearch.x--;
    else backSearch.y--;
  }
  connectForward(front, back, compare, forward);
  return [...head, ...tail.reverse()];
}

function step(edits: Edit[], at: Point, edit: Edit, direction: 1 | -1): void {
  edits.push(edit);
  if (edit !== "added") at.x += direction;
  if (edit !== "removed") at.y += direction;
}

type Compare = (x: number, y: number) => Likeness;

function connectForward(from: Point, to: Point, compare: Compare, take: (edit: Edit) => void): void {
  while (to.x > from.x && to.y > from.y) {
    const likeness = compare(from.x, from.y);
    if (likeness.different === 0) take("same");
    else if (isSimilar(likeness)) take("changed");
    else take(to.x - from.x >= to.y - from.y ? "removed" : "added");
  }
  while (to.x > from.x) take("removed");
  while (to.y > from.y) take("added");
}

function connectBackward(from: Point, to: Point, compare: Compare, take: (edit: Edit) => void): void {
  while (from.x > to.x && from.y > to.y) {
    const likeness = compare(from.x - 1, from.y - 1);
    if (likeness.different === 0) take("same");
    else if (isSimilar(likeness)) take("changed");
    else take(from.y - to.y >= from.x - to.x ? "added" : "removed");
  }
  while (from.x > to.x) take("removed");
  while (from.y > to.y) take("added");
}

function isSimilar({ same, different }: Likeness): boolean {
  return same + 1 >= different;
}

/** 0, -1, 1, -2, 2, ... */
function zigzag(i: number): number {
  return (i & 1) !== 0 ? ~i >> 1 : i >> 1;
}
