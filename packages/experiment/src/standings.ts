/** How the trials of a store stand, for whoever did not start them. */
import pLimit from 'p-limit';

import { readPlan } from './plan-file.js';
import type { Store, TrialStore } from './store/store.js';
import { Doubtful, StoreError } from './store/trouble.js';
import { trialName } from './trial/identity.js';

export type TrialState = 'ok' | 'diverged' | 'failed' | 'running' | 'begun' | 'to do';

export interface Standing {
  /** In the store. */
  readonly name: string;
  readonly state: TrialState;
  /** Who has it, or why it failed; null where there is nothing to say. */
  readonly note: string | null;
}

/** So many are asked for at once. */
const AT_ONCE = 16;

/** Those of the plan in its order, then those that are there beside it. */
export async function standings(store: Store): Promise<Standing[]> {
  const planned = ((await readPlan(store))?.trials ?? []).map(trialName);
  const there = await store.trials();
  const names = [...new Set([...planned, ...there.toSorted()])];
  const known = new Set(there);
  const limit = pLimit(AT_ONCE);
  return Promise.all(
    names.map((name) =>
      limit(async () => (known.has(name) ? standingOf(name, store.trial(name)) : toDo(name))),
    ),
  );
}

const toDo = (name: string): Standing => ({ name, state: 'to do', note: null });

async function standingOf(name: string, place: TrialStore): Promise<Standing> {
  const result = await orNothing(() => place.result());
  if (result) return { name, state: result.status, note: null };
  const holder = await orNothing(() => place.holder());
  if (holder !== null) return { name, state: 'running', note: holder };
  const failure = await orNothing(() => place.failure());
  if (failure) return { name, state: 'failed', note: failure.message };
  return (await orNothing(() => place.trial())) ? { name, state: 'begun', note: null } : toDo(name);
}

/** What cannot be believed is made anew: it is nothing. */
async function orNothing<T>(read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Doubtful || error instanceof StoreError) return null;
    throw error;
  }
}
