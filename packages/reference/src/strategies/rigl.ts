/**
 * RigL (Evci et al. 2020, arXiv 1911.11134): sparse from the first step; every ΔT steps, in place of a weight step, the
 * smallest blocks are dropped, and as many grown where the gradient is largest, from zero and with empty slots.
 */
import { gradients, magnitudes, type Strategy } from '../run.js';
import { erdosRenyiKernel, grow, largest, largestExact } from '../selection.js';
import { dropAndGrow, type DropAndGrowSettings } from './drop-and-grow.js';

export function rigl(settings: DropAndGrowSettings = {}): Strategy {
  return {
    allocation: erdosRenyiKernel,
    run: (run) =>
      dropAndGrow(run, settings, {
        start: ({ grid }, i, keep) => largestExact(run.draws.lots(i, grid.blocks), keep),
        exchange: (kernel, keep, drop) => {
          const survivors = largest(magnitudes(kernel), keep - drop, kernel.mask, run.closest);
          const scores = gradients(kernel);
          const hasGradient = Uint8Array.from(scores, (score) => Number(score > 0));
          // What the loss has no gradient by would stay zero: then rather what was dropped just now.
          const orders = [[scores, hasGradient] as const, [magnitudes(kernel), kernel.mask] as const];
          return grow(survivors, keep, orders, run.closest);
        },
      }),
  };
}
