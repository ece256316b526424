/**
 * Softmax attention, one-shot: every block is multiplied by its attention, trained with the weights; the
 * blocks of most attention are kept.
 * Yasuda et al. 2023, arXiv 2209.14881, for features; Yasuda et al. 2024, arXiv 2402.17902 §3.1, for blocks.
 */
import {
  attention,
  between,
  oneShot,
  softmaxAttention,
  tunable,
  type AttentionParameters,
  type Pruner,
} from '@espalier/core';

export type { AttentionParameters };

export interface SoftmaxAttentionSettings extends AttentionParameters {
  /** Share of training before the pruning, above 0 and under 1. */
  readonly dense?: number;
}

/** As in the paper: the optimiser trains the logits as it does the weights. */
export const paperSettings = { travel: 'optimizer' } as const satisfies SoftmaxAttentionSettings;

export function softmaxAttentionPruning({
  temperature = 1,
  normalised = true,
  clip = 'density',
  travel = 8,
  dense = 0.5,
}: SoftmaxAttentionSettings = {}): Pruner {
  return {
    name: 'softmax-attention',
    description: 'One-shot: keep the blocks of most attention, trained with the weights, then fine-tune',
    source: 'Yasuda et al. 2023, arXiv 2209.14881; 2024, arXiv 2402.17902',
    settings: { temperature, normalised, clip, travel, dense },
    parameterisation: softmaxAttention({ temperature, normalised, clip, travel }),
    importance: attention({ temperature, normalised }),
    search: oneShot({ dense }),
  };
}

export default tunable(softmaxAttentionPruning, {
  dense: between(0.05, 0.6),
  travel: between(2, 32, { logarithmic: true }),
});
