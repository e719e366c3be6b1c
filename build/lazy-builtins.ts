import type { Plugin } from "esbuild";

/**
 * Has a bundle ask for Node's own modules by `require`, which hands them out as they are. An `import` reads every property of
 * the module at once to make its names, and some of them load what they stand for: all of Node's client for `fetch` hangs
 * below `node:http`, 14 MB of memory and 50 ms of every start.
 */
export const lazyBuiltins: Plugin = {
  name: "lazy-builtins",
  setup(build) {
    build.onResolve({ filter: /^node:/ }, ({ path, kind }) =>
      kind === "import-statement" ? { path, namespace: "lazy-builtins" } : undefined,
    );
    build.onLoad({ filter: /.*/, namespace: "lazy-builtins" }, ({ path }) => ({
      contents: `module.exports = require(${JSON.stringify(path)});`,
    }));
  },
};
