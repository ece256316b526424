/**
 * Strategies of one's own beside one that is there: a new combination of parts, and a new part.
 *
 *     npx espalier compare --config examples/own-strategy.config.ts --pruners magnitude,magnitude-of-powers,first-order
 */
import { blockDot, gradual, identity, type Importance } from '@espalier/core';
import { magnitude } from '@espalier/magnitude';
import { powerpropagationParameterisation } from '@espalier/powerpropagation';
import { defineConfig } from 'espalier/config';

/** How much the loss would change without the block, to the first order: `|Σ_{i ∈ b} g_i w_i|`. */
const firstOrder: Importance = {
  name: 'first order',
  usesGradient: true,
  score: (kernel) => blockDot(kernel.gradient(), kernel.effective(), kernel.grid).abs(),
};

export default defineConfig({
  pruners: {
    'magnitude-of-powers': () => ({ ...magnitude(), parameterisation: powerpropagationParameterisation() }),
    'first-order': {
      name: 'first-order',
      description: 'Prune gradually the blocks without which the loss would change least',
      source: 'Molchanov et al. 2019, arXiv 1906.10771',
      settings: {},
      parameterisation: identity,
      importance: firstOrder,
      search: gradual(),
    },
  },
});
