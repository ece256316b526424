/** What RigL and structured DST share: when blocks are exchanged, how many, and what becomes of weights and slots. */
import { progress, spans, within } from '../phases.js';
import { counts, erase, magnitudes, type Kernel, type Rules, type Run } from '../run.js';
import type { Mask } from '../selection.js';

export interface DropAndGrowSettings {
  /** ΔT */
  everySteps?: number;
  /** T_end, as a share of training. */
  until?: number;
  /** α */
  alpha?: number;
}

export interface Exchange {
  /** The first blocks of a kernel, the `i`th. */
  start(kernel: Kernel, i: number, keep: number): Mask;
  /** The blocks after `drop` of them are exchanged. */
  exchange(kernel: Kernel, keep: number, drop: number): Mask;
}

export function dropAndGrow(
  run: Run,
  { everySteps = 100, until = 0.75, alpha = 0.3 }: DropAndGrowSettings,
  { start, exchange }: Exchange,
): Rules {
  const [exchanging] = spans([until, 1 - until], run.steps);
  const keep = counts(run, { share: 1, scores: magnitudes, among: 'all' });
  const exchanges = (step: number) => step > 0 && within(exchanging, step) && step % everySteps === 0;
  return {
    before(step) {
      if (step === 0) run.kernels.forEach((kernel, i) => (kernel.mask = start(kernel, i, keep[i])));
      // What is not there has no weight, whatever momentum did to it.
      if (step === 0 || exchanges(step)) run.kernels.forEach(erase);
      if (!exchanges(step)) return;
      const fraction = (alpha / 2) * (1 + Math.cos(Math.PI * progress(exchanging, step)));
      run.kernels.forEach((kernel, i) => {
        const share = keep[i] * fraction;
        run.closest.note(Math.abs(share - Math.round(share)));
        const before = kernel.mask;
        kernel.mask = exchange(
          kernel,
          keep[i],
          keep[i] < 4 ? Math.max(1, Math.floor(share)) : Math.floor(share),
        );
        restart(run, kernel, before);
        erase(kernel);
      });
    },
    // The iteration whose gradient an exchange goes by has no weight step.
    trains: (step) => !exchanges(step + 1),
  };
}

/** The weights of blocks that were not there before start from zero, and the optimiser knows nothing of them. */
function restart({ optimizer }: Run, { raw, grid, mask }: Kernel, before: Mask): void {
  const { first, second } = optimizer.slots(raw);
  grid.blockOf.forEach((block, i) => {
    if (!mask[block] || before[block]) return;
    raw.values[i] = first[i] = second[i] = 0;
  });
}
