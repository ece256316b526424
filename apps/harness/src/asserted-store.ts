/** A store that is looked at, and not made. */
import { readPlan, UsageError, type Store } from '@espalier/experiment';

/** @throws UsageError where nothing lies there */
export async function assertStore<T extends Store>(store: T, asked: string): Promise<T> {
  if ((await store.trials()).length > 0 || (await readPlan(store))) return store;
  throw new UsageError(
    `${asked} has no trials: give the --out of an \`espalier plan\` or \`espalier compare\``,
  );
}
