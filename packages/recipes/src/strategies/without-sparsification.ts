/**
 * Softmax attention under AC/DC's search: SequentialAttention++ without its sparsification phase (arXiv 2402.17902,
 * Table 3). What was pruned comes back at its old values, as in SequentialAttention++.
 */
import { acdc, type AcdcSettings } from '@espalier/acdc';
import { tunable, type Pruner } from '@espalier/core';
import { sequentialAttentionPlusPlus } from '@espalier/sequential-attention-plus-plus';

export type WithoutSparsificationSettings = Pick<AcdcSettings, 'plan' | 'cycles'>;

export function withoutSparsification(settings: WithoutSparsificationSettings = {}): Pruner {
  const { search, settings: chosen } = acdc({ ...settings, prunedWeights: 'masked' });
  return {
    ...sequentialAttentionPlusPlus(),
    name: 'without-sparsification',
    description: "Softmax attention scores the blocks; AC/DC's sparse and dense phases in turn",
    settings: chosen,
    search,
  };
}

export default tunable(withoutSparsification, {});
