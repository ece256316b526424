/** SequentialAttention++ with attention that is `exp(L)`, not a softmax: a question of the paper's public review. */
import { attention, softmaxAttention, tunable, type Pruner } from '@espalier/core';
import {
  sequentialAttentionPlusPlus,
  type SequentialAttentionPlusPlusSettings,
} from '@espalier/sequential-attention-plus-plus';

export type UnnormalisedSettings = Pick<SequentialAttentionPlusPlusSettings, 'plan' | 'cycles'>;

export function unnormalised(settings: UnnormalisedSettings = {}): Pruner {
  return {
    ...sequentialAttentionPlusPlus(settings),
    name: 'unnormalised',
    description: 'SequentialAttention++ with exp(L) in the place of the softmax',
    parameterisation: softmaxAttention({ normalised: false }),
    importance: attention({ normalised: false }),
  };
}

export default tunable(unnormalised, {});
