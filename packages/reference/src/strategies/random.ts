/** The control: magnitude's plan, the blocks by lot. */
import { spans } from '../phases.js';
import { choose, type Strategy } from '../run.js';

/** @param dense the share of training before the choice; 0 for none */
export function random({ dense = 0.5 } = {}): Strategy {
  return {
    run: (run) => {
      const [, sparse] = spans([dense, 1 - dense], run.steps);
      const lots = new Map(run.kernels.map((kernel, i) => [kernel, run.draws.lots(i, kernel.grid.blocks)]));
      return {
        before(step) {
          if (step !== sparse.start) return;
          run.optimizer.reset();
          choose(run, { share: 1, scores: (kernel) => lots.get(kernel)!, among: 'all' });
        },
      };
    },
  };
}
