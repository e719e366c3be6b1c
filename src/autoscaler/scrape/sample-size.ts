/** Sample needed in an endless population: 95 % confidence (1.96), margin of error 5, variance 100. */
const unboundedSample = (1.96 ** 2 * 100) / 5 ** 2;

/**
 * How many pods to ask so that their mean stands for all `population` pods: all up to 3, never more than 16.
 * Source: serving v0.42.2 pkg/autoscaler/metrics populationMeanSampleSize.
 */
export function sampleSize(population: number): number {
  if (population <= 3) return Math.max(population, 0);
  return Math.ceil((population * unboundedSample) / (population + unboundedSample - 1));
}
