/** Strategies as recipes call them. */
import type { Entrant } from './recipe.js';

export const magnitude: Entrant = { name: 'magnitude', strategy: 'magnitude' };
export const acdc: Entrant = { name: 'acdc', strategy: 'acdc' };
export const powerpropagation: Entrant = { name: 'powerpropagation', strategy: 'powerpropagation' };
export const str: Entrant = { name: 'str', strategy: 'str' };
export const softmaxAttention: Entrant = { name: 'softmax-attention', strategy: 'softmax-attention' };
export const sequentialAttentionPlusPlus: Entrant = {
  name: 'sequential-attention-plus-plus',
  strategy: 'sequential-attention-plus-plus',
};

/** One that this package makes, a variant of SequentialAttention++. */
export function variant(name: string, settings?: Entrant['settings']): Entrant {
  return {
    ...{ name, strategy: `@espalier/recipes/strategies/${name}` },
    settingsOf: sequentialAttentionPlusPlus.strategy,
    ...(settings && { settings }),
  };
}
