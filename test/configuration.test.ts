import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { ConfigError } from "../src/config/config-error.ts";
import type { ConfigParser } from "../src/config/fields.ts";
import { servingConfigMaps } from "../src/config/serving-config.ts";

const document = readFileSync(new URL("../docs/configuration.md", import.meta.url), "utf8");

/** Every key that the parser asks for, though the ConfigMap has none. */
function keysOf(parse: ConfigParser<unknown>): string[] {
  const keys = new Set<string>();
  const data = new Proxy<Record<string, string>>(
    {},
    {
      getOwnPropertyDescriptor(_, key) {
        keys.add(String(key));
        return undefined;
      },
    },
  );
  try {
    parse(data);
  } catch (error) {
    // config-deployment cannot be empty; what is missing is told when all has been read.
    if (!(error instanceof ConfigError)) throw error;
  }
  return [...keys];
}

/** The words of a map's section; `a-{b,c}` stands for `a-b` and `a-c`. */
function wordsOf(map: string): Set<string> {
  const [, section = ""] = document.split(`\n## ${map}\n`);
  const [text = ""] = section.split("\n## ");
  const joined = text.replace(/\{[^{}]*\}/g, (list) => list.replace(/\s|\([^)]*\)/g, ""));
  return new Set(joined.split(/[\s|`()]|,(?![^{]*\})/).flatMap(expanded));
}

function expanded(word: string): string[] {
  const [, before, list = "", after] = /^([^{]*)\{([^}]*)\}(.*)$/.exec(word) ?? [];
  if (after === undefined) return [word.replace(/[.:;]$/, "")];
  return list.split(",").flatMap((part) => expanded(before + part + after));
}

for (const { map, parse } of Object.values(servingConfigMaps)) {
  test(`docs/configuration.md tells of every key of ${map}`, () => {
    const words = wordsOf(map);
    // Of the camelCase names of older releases it says that they are understood.
    const missing = keysOf(parse).filter((key) => !/[A-Z]/.test(key) && !words.has(key));
    assert.ok(words.size > 1, "there is no such section");
    assert.deepEqual(missing, []);
  });
}
