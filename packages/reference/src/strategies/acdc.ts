/**
 * AC/DC (Peste et al. 2021): dense and sparse phases in turn. On entering a sparse phase the largest blocks are kept; on
 * entering a dense one the rest restarts from zero, or from its old values, and the optimiser forgets.
 */
import { spans } from '../phases.js';
import { choose, erase, magnitudes, type Strategy } from '../run.js';
import { everyBlock } from '../selection.js';
import { cifar10, criteo, cycleOf, imagenet, type Plan } from './plan.js';

const plans = { imagenet, criteo, cifar10 };

export interface AcdcSettings {
  plan?: keyof typeof plans | Plan;
  cycles?: number;
  prunedWeights?: 'erased' | 'masked';
}

export function acdc({
  plan: planned = 'imagenet',
  cycles,
  prunedWeights = 'erased',
}: AcdcSettings = {}): Strategy {
  const named: Plan = typeof planned === 'string' ? plans[planned] : planned;
  const plan = { ...named, cycles: cycles ?? named.cycles };
  const half = cycleOf(plan) / 2;
  // Dense, sparse, dense, …, sparse.
  const shares = [plan.warmUp];
  for (let cycle = 1; cycle <= plan.cycles; cycle++) {
    shares.push(half, half + (cycle === plan.cycles ? plan.lastCycleExtension : 0));
  }
  shares.push(plan.fineTuning);
  return {
    run: (run) => {
      const placed = spans(shares, run.steps);
      return {
        before(step) {
          const i = placed.findIndex(({ start }) => start === step);
          if (i % 2 === 1) choose(run, { share: 1, scores: magnitudes, among: 'all' });
          if (i <= 0 || i % 2 === 1) return;
          run.optimizer.reset();
          for (const kernel of run.kernels) {
            if (prunedWeights === 'erased') erase(kernel);
            kernel.mask = everyBlock(kernel.grid.blocks);
          }
        },
      };
    },
  };
}
