/** What of a trial lies in a store, and can be believed. */
import type { SavedModels, Store } from '../store/store.js';
import { Doubtful } from '../store/trouble.js';
import { trialId, trialName } from './identity.js';
import type { Trial, TrialResult } from './trial.js';

/** Is told, in a line, what lies there that is not believed. */
export type Note = (line: string) => void;

/** The result of this very trial; null when it has not ended, or what lies there is not its: then it is run again. */
async function storedResult(store: Store, trial: Trial, note: Note = () => {}): Promise<TrialResult | null> {
  const name = trialName(trial);
  const result = await unlessDoubtful(() => store.trial(name).result(), note);
  if (!result || result.id === trialId(trial)) return result;
  note(`the result in ${name} is another trial's`);
  return null;
}

/** The models that a trial left, whole; null where there are none. */
export async function storedModels(
  store: Store,
  trial: Trial,
  note: Note = () => {},
): Promise<SavedModels | null> {
  const name = trialName(trial);
  const models = await unlessDoubtful(() => store.trial(name).models(), note);
  return models?.trialId === trialId(trial) ? models : null;
}

/**
 * The result of a trial that has ended, with all that it is to leave: a model that is to be saved and is not there can
 * only be trained again.
 */
export async function endedAs(
  store: Store,
  trial: Trial,
  { saveModels }: { readonly saveModels: boolean },
  note: Note = () => {},
): Promise<TrialResult | null> {
  const result = await storedResult(store, trial, note);
  if (result?.status !== 'ok' || !saveModels) return result;
  if (await storedModels(store, trial, note)) return result;
  note('its model was not saved; its result stays');
  return null;
}

/** Null, and a line, where it is not to be believed. */
export async function unlessDoubtful<T>(read: () => Promise<T>, note: Note): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof Doubtful)) throw error;
    note(error.message);
    return null;
  }
}
