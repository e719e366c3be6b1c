const oldest = [22, 18] as const;

/** What Node is told for programs that may have much to do but hold little: it collects early, and keeps less for speed. */
export const nodeFlag = "--optimize-for-size";
/** How Node runs what may have much to do. */
export const busyNode = [process.execPath, nodeFlag] as const;
/** How Node runs what has little to do: without compilers, which take a third more CPU and 13 MB less memory each. */
export const quietNode = [process.execPath, "--lite-mode"] as const;

/**
 * What the queue-proxy's Bun is told. Its collector: to work in the one thread that answers requests, in short turns, and
 * to let the heap grow by half only, before old garbage is looked for too. Its compilers: to use one thread, to build less
 * of one function into another, and the last of them, which takes 4 MB, to wait for traffic that lasts. Its allocator: to
 * give back at once what is free. Bun takes that from the environment only, and ends where it does not know an option: so
 * these are part of the images, which hold the Bun that they are for.
 */
export const bunEnvironment = {
  BUN_JSC_useConcurrentGC: "0",
  BUN_JSC_numberOfGCMarkers: "1",
  BUN_JSC_heapGrowthMaxIncrease: "0.5",
  BUN_JSC_minEdenToOldGenerationRatio: "0.25",
  BUN_JSC_maxNumberOfWorklistThreads: "1",
  BUN_JSC_maximumInliningDepth: "3",
  BUN_JSC_thresholdForFTLOptimizeAfterWarmUp: "1000000",
  BUN_JSC_thresholdForFTLOptimizeSoon: "100000",
  MIMALLOC_PURGE_DELAY: "0",
} as const;

/** Ends the program, and says what is needed, when this Node is too old. */
export function ensureRuntime(): void {
  const [major = 0, minor = 0] = process.versions.node.split(".").map(Number);
  if (major > oldest[0] || (major === oldest[0] && minor >= oldest[1])) return;
  process.stderr.write(
    `hakn needs Node ${oldest.join(".")} or later, and this is ${process.version}: install a newer one, or run ` +
      "`npm ci` in hakn's directory, which brings one along that dist/bin/hakn finds by itself\n",
  );
  process.exit(2);
}
