/**
 * SequentialAttention++ with attention that is `exp(L)`, not a softmax, its logits trained by the optimiser: a question of
 * the paper's public review.
 */
import { attention, between, softmaxAttention, tunable, type Pruner } from '@espalier/core';
import {
  sequentialAttentionPlusPlus,
  type SequentialAttentionPlusPlusSettings,
} from '@espalier/sequential-attention-plus-plus';

export type UnnormalisedSettings = Pick<SequentialAttentionPlusPlusSettings, 'plan' | 'cycles'>;

export function unnormalised(settings: UnnormalisedSettings = {}): Pruner {
  const whole = sequentialAttentionPlusPlus({ ...settings, travel: 'optimizer' });
  return {
    ...whole,
    name: 'unnormalised',
    description: 'SequentialAttention++ with exp(L) in the place of the softmax',
    parameterisation: softmaxAttention({ normalised: false, travel: 'optimizer' }),
    importance: attention({ normalised: false }),
  };
}

export default tunable(unnormalised, { cycles: between(2, 10, { whole: true }) });
