/**
 * Sequential Attention (Yasuda et al. 2023, arXiv 2209.14881, Algorithm 1): after a warm-up a softmax over what is not
 * selected yet; at each round's end those of most attention are selected, and their mask is 1 from then on. The softmax
 * has a mean of 1 here.
 */
import { scaled } from '../blocks.js';
import { spans } from '../phases.js';
import { counts, type Kernel, type Strategy } from '../run.js';
import { both, count, everyBlock, largest, type Mask, without } from '../selection.js';
import { zeroLogits } from './attention.js';

export interface SequentialAttentionSettings {
  warmUp?: number;
  rounds?: number;
  fineTuning?: number;
  temperature?: number;
}

export function sequentialAttention({
  warmUp = 0.1,
  rounds = 10,
  fineTuning = 0.25,
  temperature = 1,
}: SequentialAttentionSettings = {}): Strategy {
  return {
    added: zeroLogits,
    run: (run) => {
      const round = (1 - warmUp - fineTuning) / rounds;
      const [, ...placed] = spans([warmUp, ...new Array<number>(rounds).fill(round), fineTuning], run.steps);
      const logits = ({ added }: Kernel) => Array.from(added!.values);
      // In the warm-up every block counts as selected.
      const selected = new Map<Kernel, Mask>(
        run.kernels.map((kernel) => [kernel, everyBlock(kernel.grid.blocks)]),
      );
      const select = (kernel: Kernel, i: number, own: Mask) => {
        selected.set(kernel, own);
        kernel.added!.values.set(run.draws.logits(i, kernel.grid, count(own)));
      };
      return {
        effective: (tape, kernel, raw, added) => {
          const own = selected.get(kernel)!;
          const candidates = added.filter((_, block) => !own[block]);
          const exponentials = candidates.map((logit) => tape.exp(tape.times(1 / temperature, logit)));
          const mean = candidates.length > 0 ? tape.mean(exponentials) : tape.leaf(1);
          const attention = exponentials[Symbol.iterator]();
          const factors = Array.from(own, (bit, block) => {
            const factor = bit ? tape.leaf(1) : tape.div(attention.next().value!, mean);
            return tape.times(kernel.mask[block], factor);
          });
          return scaled(tape, kernel.grid, raw, factors);
        },
        before(step) {
          // The start of round r, from 0 on, or of the fine-tuning: r rounds have ended.
          const ended = placed.findIndex(({ start }) => step === start);
          if (ended < 0) return;
          run.optimizer.reset();
          const keep = counts(run, { share: 1, scores: logits, among: 'all' });
          run.kernels.forEach((kernel, i) => {
            const before = ended === 0 ? new Uint8Array(kernel.grid.blocks) : selected.get(kernel)!;
            const joining = Math.ceil((keep[i] * ended) / rounds) - count(before);
            const best = largest(logits(kernel), joining, without(before), run.closest);
            select(kernel, i, both(before, best));
            if (ended === rounds) kernel.mask = selected.get(kernel)!;
          });
        },
      };
    },
  };
}
