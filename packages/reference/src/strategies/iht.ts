/**
 * Iterative hard thresholding (Blumensath & Davies 2009): the network computes with its k best blocks; the gradient step
 * is taken in all; every T steps the k largest are kept, and the rest restarts from zero. What is pruned gathers the last
 * steps before a choice alone, from zero too.
 */
import { spans, within } from '../phases.js';
import { choose, erase, magnitudes, type Strategy } from '../run.js';

export interface IhtSettings {
  everySteps?: number;
  gather?: number;
  dense?: number;
  fineTuning?: number;
}

export function iht({ everySteps = 50, gather = 50, dense = 0, fineTuning = 0 }: IhtSettings = {}): Strategy {
  return {
    run: (run) => {
      const [, thresholding, rest] = spans([dense, 1 - dense - fineTuning, fineTuning], run.steps);
      const threshold = (among: 'all' | 'kept') => {
        choose(run, { share: 1, scores: magnitudes, among });
        run.kernels.forEach(erase);
      };
      return {
        // The value of what is kept, the derivative of all.
        effective: (tape, { grid, mask }, raw) =>
          raw.map((node, i) => tape.node(mask[grid.blockOf[i]] * tape.value(node), [node], [1])),
        before(step) {
          const starts = [thresholding, rest].some((span) => span.start === step && step > 0);
          if (starts) run.optimizer.reset();
          if (within(thresholding, step) && (step - thresholding.start) % everySteps === 0) threshold('all');
          if (step === rest.start && fineTuning > 0) threshold('kept');
          if (!within(thresholding, step)) return;
          const sinceChoice = (step - thresholding.start) % everySteps;
          const left = Math.min(everySteps - sinceChoice, thresholding.end - step);
          if (left === gather) run.kernels.forEach(erase);
        },
      };
    },
  };
}
