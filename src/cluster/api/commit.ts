import type { Api, WriteOptions } from "./call.ts";
import type { Stored, Transaction } from "./storage.ts";

/** Runs the storage operation, or for a dry run the same operation whose effects are thrown away. */
export async function commit(
  api: Api,
  options: Pick<WriteOptions, "dryRun">,
  operation: (transaction: Transaction) => Stored | undefined,
): Promise<Stored | undefined> {
  if (!options.dryRun) return api.storage.write(operation);
  const discarded = new DryRunResult();
  try {
    await api.storage.write((transaction) => {
      discarded.entry = operation(transaction);
      throw discarded;
    });
  } catch (error) {
    if (error !== discarded) throw error;
  }
  return discarded.entry;
}

/** Thrown to roll a dry run back; carries its result out. */
class DryRunResult {
  entry: Stored | undefined;
}
