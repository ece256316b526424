/** One-shot: the mask is chosen once. */
import { assertOptions } from '@espalier/blocks';

import { densePhase, sparsePhase, type Search } from './phases.js';
import { shareOfTraining } from './share.js';

export interface OneShotSettings {
  /** Share of training before the pruning, above 0 and under 1. */
  readonly dense?: number;
}

/**
 * Train dense, prune once, train what is left.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be
 */
export function oneShot(settings: OneShotSettings = {}): Search {
  assertOptions('oneShot()', settings, { dense: shareOfTraining('(0, 1)') });
  const { dense = 0.5 } = settings;
  return { name: 'one-shot', phases: [densePhase(dense), sparsePhase(1 - dense)], prunedWeights: 'masked' };
}
