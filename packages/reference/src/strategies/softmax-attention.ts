/** Softmax attention, one-shot: the blocks of most attention are kept (arXiv 2209.14881, 2402.17902). */
import { spans } from '../phases.js';
import { choose, type Strategy } from '../run.js';
import { attended, type AttentionSettings, logAttention, zeroLogits } from './attention.js';

export function softmaxAttention({
  dense = 0.5,
  ...attention
}: AttentionSettings & { dense?: number } = {}): Strategy {
  const choice = { share: 1, scores: logAttention(attention), among: 'all' } as const;
  return {
    added: zeroLogits,
    run: (run) => {
      const [, sparse] = spans([dense, 1 - dense], run.steps);
      return {
        effective: attended(attention),
        before(step) {
          if (step !== sparse.start) return;
          run.optimizer.reset();
          choose(run, choice);
        },
      };
    },
  };
}
