/** Softmax attention, one-shot: the blocks of most attention are kept (arXiv 2209.14881, 2402.17902). */
import { spans } from '../phases.js';
import { choose, type Strategy } from '../run.js';
import {
  attended,
  type AttentionSettings,
  logAttention,
  type LogitTraining,
  logitTraining,
  zeroLogits,
} from './attention.js';

export function softmaxAttention({
  dense = 0.5,
  travel = 8,
  ...attention
}: AttentionSettings & { dense?: number; travel?: LogitTraining } = {}): Strategy {
  const choice = { share: 1, scores: logAttention(attention), among: 'all' } as const;
  return {
    added: zeroLogits,
    addedDecays: travel === 'optimizer',
    run: (run) => {
      const [, sparse] = spans([dense, 1 - dense], run.steps);
      const training = logitTraining(run, travel);
      return {
        ...training.rules,
        effective: attended(attention),
        before(step) {
          if (step !== sparse.start) return;
          training.reset();
          choose(run, choice);
        },
      };
    },
  };
}
