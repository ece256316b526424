/** Gradual magnitude pruning: sparsity `s (1 − (1 − p)³)` between two moments (Zhu & Gupta 2017). */
import { cubic, hundredth, progress, spans, within } from '../phases.js';
import { choose, magnitudes, type Strategy } from '../run.js';

export interface GmpSettings {
  start?: number;
  end?: number;
  everySteps?: number;
}

export function gmp({ start = 0.1, end = 0.7, everySteps }: GmpSettings = {}): Strategy {
  return {
    run: (run) => {
      const [, pruning, rest] = spans([start, end - start, 1 - end], run.steps);
      const interval = everySteps ?? hundredth(pruning);
      const prune = (share: number) => choose(run, { share, scores: magnitudes, among: 'kept' });
      return {
        before(step) {
          if (step === pruning.start || step === rest.start) run.optimizer.reset();
          if (step === rest.start) prune(1);
          if (within(pruning, step) && (step - pruning.start) % interval === 0) {
            prune(cubic(progress(pruning, step)));
          }
        },
        finish: () => prune(1),
      };
    },
  };
}
