/**
 * Group LASSO, `min L(W) + λ Σ_b ‖W_b‖` (Yuan & Lin 2006), by a proximal step after each of the optimiser's:
 *
 *     W ← argmin_U ½ Σ (u − w)² / t + λ Σ_b ‖U_b‖
 *
 * t being how far the optimiser's step goes, for each weight; `relu(1 − tλ / ‖W_b‖) W_b` where all are the same (Parikh
 * & Boyd 2014, §6.5.4).
 */
import type { Grid } from '../blocks.js';
import { spans } from '../phases.js';
import { choose, gradients, type Kernel, magnitudes, type Run, type Strategy } from '../run.js';
import { zerosLast } from './zeros-last.js';

export interface GroupLassoSettings {
  lambda?: number;
  final?: 'target' | 'learned';
  dense?: number;
}

export function groupLasso({
  lambda = 0.005,
  final = 'target',
  dense = 0.5,
}: GroupLassoSettings = {}): Strategy {
  return {
    run: (run) => {
      const share = final === 'learned' ? 1 : dense;
      const [shrinking, sparse] = spans([share, 1 - share], run.steps);
      return {
        before(step) {
          if (step !== sparse.start) return;
          run.optimizer.reset();
          const scores = (kernel: Kernel) => zerosLast(magnitudes(kernel), gradients(kernel));
          choose(run, { share: 1, scores, among: 'all' });
        },
        after(step) {
          if (step < shrinking.end) for (const kernel of run.kernels) shrink(run, kernel, lambda);
        },
      };
    },
  };
}

function shrink({ optimizer, closest }: Run, { raw, grid }: Kernel, lambda: number): void {
  const sizes = optimizer.stepSizes(raw);
  for (let block = 0; block < grid.blocks; block++) {
    const own = membersOf(grid, block);
    // A partial block weighs by the root of its size.
    const penalty = lambda * Math.sqrt(own.length / grid.wholeSize);
    const weights = own.map((i) => raw.values[i]);
    const thresholds = own.map((i) => sizes[i] * penalty);
    const reach = lengthOf(weights, thresholds, 0);
    if (reach > 0) closest.noteKink(Math.abs(reach - 1));
    const ρ =
      reach <= 1 ? 0 : rootOf((length) => lengthOf(weights, thresholds, length) - 1, Math.hypot(...weights));
    own.forEach((i, place) => (raw.values[i] *= ρ === 0 ? 0 : ρ / (ρ + thresholds[place])));
  }
}

/** `‖w / (ρ + t)‖`: where it is 1, ρ is the norm of the block after the step, from `(u − w) / t + u / ρ = 0`. */
function lengthOf(weights: readonly number[], thresholds: readonly number[], ρ: number): number {
  return Math.hypot(...weights.map((w, i) => (w === 0 ? 0 : w / (ρ + thresholds[i]))));
}

/** Where a falling function is 0, between 0 and a bound, by bisection. */
function rootOf(f: (x: number) => number, bound: number): number {
  let [low, high] = [0, bound];
  for (let i = 0; i < 100; i++) {
    const middle = (low + high) / 2;
    if (f(middle) > 0) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function membersOf({ blockOf }: Grid, block: number): number[] {
  return blockOf.flatMap((own, i) => (own === block ? [i] : []));
}
