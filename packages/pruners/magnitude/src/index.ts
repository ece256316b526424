/**
 * Magnitude pruning, one-shot: train dense, keep the blocks of largest norm, fine-tune what is left.
 * Han et al. 2015, arXiv 1506.02626; in blocks as in arXiv 2402.17902 §4.1.
 */
import { between, frobenius, identity, oneShot, tunable, type Pruner } from '@espalier/core';

export interface MagnitudeSettings {
  /** Share of training before the pruning, above 0 and under 1. */
  dense?: number;
}

export function magnitude({ dense = 0.5 }: MagnitudeSettings = {}): Pruner {
  return {
    name: 'magnitude',
    description: 'One-shot: keep the blocks of largest norm, then fine-tune',
    source: 'Han et al. 2015, arXiv 1506.02626',
    settings: { dense },
    parameterisation: identity,
    importance: frobenius,
    search: oneShot({ dense }),
  };
}

export default tunable(magnitude, {
  dense: between(0.05, 0.6),
});
