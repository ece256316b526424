/** One-shot: the mask is chosen once. */
import { densePhase, sparsePhase, type Search } from './phases.js';
import { assertShare } from './share.js';

/**
 * Train dense, prune once, train what is left.
 *
 * @param dense share of training before the pruning, above 0 and under 1
 */
export function oneShot({ dense = 0.5 }: { dense?: number } = {}): Search {
  assertShare(dense, 'oneShot: dense');
  return { name: 'one-shot', phases: [densePhase(dense), sparsePhase(1 - dense)], prunedWeights: 'masked' };
}
