/**
 * ℓ1 masks (Yang et al. 2019): `W_b = w_b V_b`, with λ‖w‖₁ by a proximal step after each of the optimiser's, t being how
 * far that goes: `w ← sign(w) relu(|w| − tλ)`. The blocks of largest mask are kept; of masks of zero, those by which the
 * loss has the largest gradient.
 */
import { type Grid, scaled } from '../blocks.js';
import { spans } from '../phases.js';
import { choose, type Kernel, type Strategy } from '../run.js';
import { zerosLast } from './zeros-last.js';

export interface L1MasksSettings {
  lambda?: number;
  dense?: number;
}

export function l1Masks({ lambda = 0.003, dense = 0.5 }: L1MasksSettings = {}): Strategy {
  return {
    added: ({ rows, columns, blocks }: Grid) => ({
      shape: [rows, columns],
      values: new Array<number>(blocks).fill(1),
    }),
    run: (run) => {
      const [shrinking, sparse] = spans([dense, 1 - dense], run.steps);
      return {
        effective: (tape, { grid, mask }, raw, masks) =>
          scaled(
            tape,
            grid,
            raw,
            masks.map((own, block) => tape.times(mask[block], own)),
          ),
        before(step) {
          if (step !== sparse.start) return;
          run.optimizer.reset();
          const scores = (kernel: Kernel) =>
            zerosLast(Array.from(kernel.added!.values, Math.abs), byMask(kernel).map(Math.abs));
          choose(run, { share: 1, scores, among: 'all' });
        },
        after(step) {
          if (step >= shrinking.end) return;
          for (const { added } of run.kernels) {
            const sizes = run.optimizer.stepSizes(added!);
            added!.values.forEach((w, block) => {
              const left = Math.abs(w) - sizes[block] * lambda;
              run.closest.noteKink(Math.abs(left));
              added!.values[block] = Math.sign(w) * Math.max(0, left);
            });
          }
        },
      };
    },
  };
}

/** The derivative by each mask: `⟨∂L/∂W_b, V_b⟩`. */
function byMask({ grid, raw, gradient }: Kernel): number[] {
  const sums = new Array<number>(grid.blocks).fill(0);
  grid.blockOf.forEach((block, i) => (sums[block] += gradient[i] * raw.values[i]));
  return sums;
}
