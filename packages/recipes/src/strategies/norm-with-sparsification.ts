/** SequentialAttention++'s search with AC/DC's score: blocks go by their norm, and there is no attention. */
import { between, frobenius, identity, tunable, type Pruner } from '@espalier/core';
import {
  sequentialAttentionPlusPlus,
  type SequentialAttentionPlusPlusSettings,
} from '@espalier/sequential-attention-plus-plus';

export type NormWithSparsificationSettings = Pick<SequentialAttentionPlusPlusSettings, 'plan' | 'cycles'>;

export function normWithSparsification(settings: NormWithSparsificationSettings = {}): Pruner {
  const whole = sequentialAttentionPlusPlus(settings);
  const { plan, curveConstant, split } = whole.settings;
  return {
    ...whole,
    name: 'norm-with-sparsification',
    description: 'Dense, sparsification and sparse phases in turn; the support is re-chosen by norm',
    settings: { plan, curveConstant, split },
    parameterisation: identity,
    importance: frobenius,
  };
}

export default tunable(normWithSparsification, { cycles: between(2, 10, { whole: true }) });
