/** Which trial of a store is meant by what a person calls it. */
import { closest } from 'fastest-levenshtein';

import { UsageError } from './errors.js';
import type { Store } from './store/store.js';
import { Doubtful } from './store/trouble.js';
import { trialSlot } from './trial/identity.js';
import { prunerName, type Trial } from './trial/trial.js';

export interface FoundTrial {
  /** In the store. */
  readonly name: string;
  readonly trial: Trial;
}

/** So many are named where several are meant. */
const NAMED = 6;

/**
 * @param asked a trial's name in the store, the same without its identity (`acdc-0.9-16x16-seed0`), what it begins with,
 *   or a strategy
 * @param where the store is, for the error
 * @throws UsageError where it is none, with the nearest name, or several
 */
export async function findTrial(store: Store, asked: string, where: string): Promise<FoundTrial> {
  const there = await trialsIn(store);
  if (there.length === 0) {
    throw new UsageError(`${where} has no trials: give the --out folder of an \`espalier compare\``);
  }
  const ways: ((found: FoundTrial) => boolean)[] = [
    ({ name }) => name === asked,
    ({ trial }) => trialSlot(trial) === asked,
    ({ trial }) => prunerName(trial) === asked,
    // A strategy's whole name at least: another's may begin with it.
    ({ name, trial }) => asked.length > prunerName(trial).length && name.startsWith(`${asked}-`),
  ];
  const found = ways.map((is) => there.filter(is)).find(({ length }) => length > 0) ?? [];
  if (found.length === 1) return found[0] as FoundTrial;
  if (found.length === 0) {
    const names = there.flatMap(({ name, trial }) => [name, trialSlot(trial), prunerName(trial)]);
    throw new UsageError(
      `${where} has no trial '${asked}': did you mean '${closest(asked, [...new Set(names)])}'?`,
    );
  }
  const slots = found.map(({ trial }) => trialSlot(trial));
  const names = found.map(({ name }, i) =>
    slots.indexOf(slots[i] as string) === slots.lastIndexOf(slots[i] as string) ? (slots[i] as string) : name,
  );
  const more = names.length > NAMED ? ` and ${names.length - NAMED} more` : '';
  throw new UsageError(
    `${where} has ${found.length} trials that are '${asked}': give one, of ${names.slice(0, NAMED).join(', ')}${more}`,
  );
}

/** In the order of their names; of what cannot be believed, none. */
async function trialsIn(store: Store): Promise<FoundTrial[]> {
  const found: FoundTrial[] = [];
  for (const name of (await store.trials()).toSorted()) {
    const trial = await store
      .trial(name)
      .trial()
      .catch((error: unknown) => {
        if (error instanceof Doubtful) return null;
        throw error;
      });
    if (trial) found.push({ name, trial });
  }
  return found;
}
