import type { Store } from '../store/store.js';
import { trialId, trialName } from './identity.js';
import type { Trial, TrialResult } from './trial.js';

/** The result of this very trial; null when it has not ended, or what lies there is not its: then it is run again. */
export async function storedResult(store: Store, trial: Trial): Promise<TrialResult | null> {
  const result = await store.trial(trialName(trial)).result();
  return result?.id === trialId(trial) ? result : null;
}
