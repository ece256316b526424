/**
 * Softmax attention under AC/DC's search: SequentialAttention++ without its sparsification phase (arXiv 2402.17902,
 * Table 3). What was pruned comes back at its old values, as in SequentialAttention++.
 */
import { acdc, type AcdcSettings } from '@espalier/acdc';
import { between, tunable, type Pruner } from '@espalier/core';
import {
  sequentialAttentionPlusPlus,
  type SequentialAttentionPlusPlusSettings,
} from '@espalier/sequential-attention-plus-plus';

export type WithoutSparsificationSettings = Pick<AcdcSettings, 'plan' | 'cycles'> &
  Pick<SequentialAttentionPlusPlusSettings, 'travel'>;

export function withoutSparsification({ travel = 8, ...timed }: WithoutSparsificationSettings = {}): Pruner {
  const { search, settings } = acdc({ ...timed, prunedWeights: 'masked' });
  return {
    ...sequentialAttentionPlusPlus({ travel }),
    name: 'without-sparsification',
    description: "Softmax attention scores the blocks; AC/DC's sparse and dense phases in turn",
    settings: { ...settings, travel },
    search,
  };
}

export default tunable(withoutSparsification, {
  cycles: between(2, 10, { whole: true }),
  travel: between(2, 32, { logarithmic: true }),
});
