/**
 * AC/DC: sparse ("compressed") and dense ("decompressed") phases in turn, ending sparse.
 * Peste et al. 2021, arXiv 2106.12379; the plan for CIFAR-10 is the authors', those for ImageNet and Criteo
 * are of arXiv 2402.17902 §4.
 */
import {
  alternating,
  between,
  choiceOf,
  cifar10Plan,
  criteoPlan,
  frobenius,
  identity,
  imagenetPlan,
  namedPlan,
  tunable,
  type AlternatingPlan,
  type Pruner,
  type Search,
} from '@espalier/core';

export interface AcdcSettings {
  /** A named plan, or one of your own. */
  plan?: keyof typeof acdcPlans | AlternatingPlan;
  /** Overrides the plan's number of cycles; at least 1. */
  cycles?: number;
  /**
   * Whether the weights outside the support restart from zero when a dense phase begins (`erased`, the
   * original), or were only multiplied by zero and have their old values (`masked`, arXiv 2402.17902 on Criteo).
   */
  prunedWeights?: Search['prunedWeights'];
}

const acdcPlans = { imagenet: imagenetPlan, criteo: criteoPlan, cifar10: cifar10Plan };

export function acdc({ plan = 'imagenet', cycles, prunedWeights = 'erased' }: AcdcSettings = {}): Pruner {
  const chosen = typeof plan === 'string' ? namedPlan(plan, acdcPlans) : plan;
  const timed = { ...chosen, cycles: cycles ?? chosen.cycles };
  return {
    name: 'acdc',
    description: 'Alternate sparse and dense phases; the support is re-chosen by norm each time',
    source: 'Peste et al. 2021, arXiv 2106.12379',
    settings: { plan: timed, prunedWeights },
    parameterisation: identity,
    importance: frobenius,
    search: alternating(timed, { prunedWeights }),
  };
}

export default tunable(acdc, {
  cycles: between(2, 10, { whole: true }),
  prunedWeights: choiceOf('erased', 'masked'),
});
