/**
 * SequentialAttention++: blocks scored by softmax attention, searched for by dense, sparsification and
 * sparse phases in turn.
 * Yasuda, Axiotis, Fu, Bateni, Mirrokni 2024, arXiv 2402.17902.
 */
import {
  alternatingWithSparsification,
  attention,
  between,
  cifar10Plan,
  criteoPlan,
  exponential,
  imagenetPlan,
  namedPlan,
  softmaxAttention,
  tunable,
  type AlternatingPlan,
  type CycleSplit,
  type Pruner,
} from '@espalier/core';

export interface SequentialAttentionPlusPlusSettings {
  /** One of the paper's plans (§4.1, §4.2), AC/DC's for CIFAR-10 (arXiv 2106.12379), or one of your own. */
  plan?: keyof typeof plans | AlternatingPlan;
  /** Overrides the plan's number of cycles; at least 1. */
  cycles?: number;
  /** The softmax temperature τ, above 0; 0.25 for unstructured pruning. */
  temperature?: number;
  /**
   * How far the logits go in a run, in units of `ln(1/density)`, above 0: core's `travel`. `'optimizer'`: the optimiser
   * trains them.
   */
  travel?: number | 'optimizer';
  /** The constant c of the sparsification phase's curve, above 0 (§3.2, Table 4). */
  curveConstant?: number;
  /** How a cycle splits into its phases; only the ratios count. The paper leaves it open: equal parts. */
  split?: CycleSplit;
}

/** As in the paper: the optimiser trains the logits as it does the weights. */
export const paperSettings = { travel: 'optimizer' } as const satisfies SequentialAttentionPlusPlusSettings;

const plans = { imagenet: imagenetPlan, criteo: criteoPlan, cifar10: cifar10Plan };

export function sequentialAttentionPlusPlus({
  plan = 'imagenet',
  cycles,
  temperature = 1,
  travel = 8,
  curveConstant = 4,
  split = { sparsification: 1, sparse: 1, dense: 1 },
}: SequentialAttentionPlusPlusSettings = {}): Pruner {
  const chosen = typeof plan === 'string' ? namedPlan(plan, plans) : plan;
  const timed = { ...chosen, cycles: cycles ?? chosen.cycles };
  return {
    name: 'sequential-attention-plus-plus',
    description: 'Softmax attention scores the blocks; dense, sparsification and sparse phases in turn',
    source: 'Yasuda et al. 2024, arXiv 2402.17902',
    settings: { plan: timed, temperature, travel, curveConstant, split },
    parameterisation: softmaxAttention({ temperature, travel }),
    importance: attention({ temperature }),
    search: alternatingWithSparsification(timed, { curve: exponential(curveConstant), split }),
  };
}

export default tunable(sequentialAttentionPlusPlus, {
  cycles: between(2, 10, { whole: true }),
  travel: between(2, 32, { logarithmic: true }),
});
