/** One-shot by magnitude: train dense, keep the largest blocks, train these (Han et al. 2015). */
import { spans } from '../phases.js';
import { choose, magnitudes, type Strategy } from '../run.js';

/** @param dense the share of training before the choice */
export function magnitude({ dense = 0.5 } = {}): Strategy {
  return {
    run: (run) => {
      const [, sparse] = spans([dense, 1 - dense], run.steps);
      return {
        before(step) {
          if (step !== sparse.start) return;
          run.optimizer.reset();
          choose(run, { share: 1, scores: magnitudes, among: 'all' });
        },
      };
    },
  };
}
