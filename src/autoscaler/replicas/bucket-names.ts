/** What the names of the autoscaler's buckets begin with. */
export const bucketPrefix = "autoscaler-bucket";

/** The names of the autoscaler's buckets and of their Leases. Source: serving v0.42.2 pkg/autoscaler/bucket. */
export function makeBucketNames(count: number): readonly string[] {
  const digits = (value: number) => String(value).padStart(2, "0");
  return Array.from({ length: count }, (_, index) => `${bucketPrefix}-${digits(index)}-of-${digits(count)}`);
}
