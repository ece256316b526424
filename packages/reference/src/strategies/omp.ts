/**
 * Group orthogonal matching pursuit, without and with replacement (Axiotis & Yasuda 2023; arXiv 2402.17902, Theorem
 * B.3): the support S starts empty, per round the blocks of largest gradient join it, and what is in it trains. Outside
 * it the network computes with a faint share of the weights, and nothing trains.
 */
import { scaled } from '../blocks.js';
import { spans } from '../phases.js';
import { counts, gradients, type Kernel, magnitudes, type Strategy } from '../run.js';
import { both, count, largest, type Mask, without } from '../selection.js';

export interface OmpSettings {
  rounds?: number;
  fineTuning?: number;
  /** ε */
  faint?: number;
}

export function omp(settings: OmpSettings = {}): Strategy {
  return matchingPursuit(settings, 0);
}

export function ompr({ swaps = 10, ...settings }: OmpSettings & { swaps?: number } = {}): Strategy {
  return matchingPursuit(settings, swaps);
}

function matchingPursuit(
  { rounds = 10, fineTuning = 0.25, faint = 0.01 }: OmpSettings,
  swaps: number,
): Strategy {
  return {
    run: (run) => {
      const parts = rounds + swaps;
      const shares = [...new Array<number>(parts).fill((1 - fineTuning) / parts), fineTuning];
      const placed = spans(shares, run.steps);
      const keep = counts(run, { share: 1, scores: magnitudes, among: 'all' });
      const supports = new Map<Kernel, Mask>(
        run.kernels.map((kernel) => [kernel, new Uint8Array(kernel.grid.blocks)]),
      );

      const join = (kernel: Kernel, support: Mask, k: number, among: Mask) =>
        both(support, largest(gradients(kernel), k - count(support), among, run.closest));
      const swap = (kernel: Kernel, support: Mask, k: number) => {
        const others = without(support);
        const leaving = Math.min(Math.ceil(k / rounds), count(others));
        const staying = largest(magnitudes(kernel), k - leaving, support, run.closest);
        return join(kernel, staying, k, others);
      };
      return {
        effective: (tape, kernel, raw) => {
          const support = supports.get(kernel)!;
          const factor = (bit: number, block: number) => kernel.mask[block] * (bit ? 1 : faint);
          return scaled(
            tape,
            kernel.grid,
            raw,
            Array.from(support, (bit, block) => tape.leaf(factor(bit, block))),
          );
        },
        before(step) {
          // So many rounds and swaps have ended.
          const ended = placed.findIndex(({ start }) => start === step);
          if (ended <= 0) return;
          run.optimizer.reset();
          run.kernels.forEach((kernel, i) => {
            const support = supports.get(kernel)!;
            const joined = Math.ceil((keep[i] * ended) / rounds);
            const next =
              ended <= rounds
                ? join(kernel, support, joined, without(support))
                : swap(kernel, support, keep[i]);
            supports.set(kernel, next);
            if (ended === parts) kernel.mask = next;
          });
        },
        still: (kernel) => without(supports.get(kernel)!),
      };
    },
  };
}
