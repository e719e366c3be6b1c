import type { Api, WriteOptions } from "./call.ts";
import type { Item } from "./resource.ts";
import type { Stored, Transaction } from "./storage.ts";

/** Runs the storage operation, or for a dry run the same operation whose effects are thrown away. */
export async function commit(
  api: Api,
  options: Pick<WriteOptions, "dryRun">,
  operation: (transaction: Transaction) => Stored | undefined,
): Promise<Item | undefined> {
  if (!options.dryRun) {
    const entry = await api.storage.write(operation);
    return entry && (entry.object as Item);
  }
  const discarded = new DryRunResult();
  try {
    await api.storage.write((transaction) => {
      discarded.entry = operation(transaction);
      throw discarded;
    });
  } catch (error) {
    if (error !== discarded) throw error;
  }
  return discarded.entry && (discarded.entry.object as Item);
}

/** Thrown to roll a dry run back; carries its result out. */
class DryRunResult {
  entry: Stored | undefined;
}
