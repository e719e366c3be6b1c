import { join } from "node:path";

/** Replaces a path of the container by where it really is. */
export type TranslatePath = (text: string) => string;

/**
 * Makes up for the missing mount namespace: a text that is a mount path, or begins with one and a "/", begins with the
 * real place instead; so does what follows the "=" of a flag. Other texts stay as they are. The longest path wins.
 */
export function pathTranslator(root: string, mountPaths: readonly string[]): TranslatePath {
  const paths = mountPaths
    .map((path) => path.replace(/\/+$/, ""))
    .filter((path) => path !== "")
    .sort((a, b) => b.length - a.length);
  const translate = (text: string) => {
    const path = paths.find((candidate) => text === candidate || text.startsWith(`${candidate}/`));
    return path ? join(root, path) + text.slice(path.length) : text;
  };
  return (text) => {
    const flag = /^(--?[\w.-]+=)(\/.*)$/s.exec(text);
    return flag ? flag[1] + translate(flag[2]!) : translate(text);
  };
}
