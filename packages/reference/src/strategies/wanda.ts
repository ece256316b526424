/** After training, by weights times the norms of what they are multiplied by (Sun et al. 2023). */
import { rootMeanSquares } from '../blocks.js';
import { spans } from '../phases.js';
import { choose, type Kernel, type Strategy } from '../run.js';

/** `|W_ij| · ‖X_i‖₂`, in blocks by their root mean square. */
function scores({ grid, raw, inputSquares }: Kernel): number[] {
  return rootMeanSquares(
    grid,
    raw.values.map((weight, i) => weight * Math.sqrt(inputSquares[i])),
  );
}

/** @param fineTuning the share of training after the choice; with none, it is made at the end */
export function wanda({ fineTuning = 0.1 } = {}): Strategy {
  return {
    run: (run) => {
      const prune = () => {
        run.calibrate();
        choose(run, { share: 1, scores, among: 'all' });
      };
      if (fineTuning === 0) return { finish: prune };
      const [, sparse] = spans([1 - fineTuning, fineTuning], run.steps);
      return {
        before(step) {
          if (step !== sparse.start) return;
          run.optimizer.reset();
          prune();
        },
      };
    },
  };
}
