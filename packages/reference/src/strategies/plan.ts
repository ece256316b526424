/** The time plans that AC/DC and SequentialAttention++ share, in shares of training (arXiv 2402.17902 §4.1 and §4.2). */

export interface Plan {
  /** Dense at first. */
  readonly warmUp: number;
  readonly cycles: number;
  readonly lastCycleExtension: number;
  /** Sparse at the end. */
  readonly fineTuning: number;
}

export const imagenet: Plan = { warmUp: 0.1, cycles: 7, lastCycleExtension: 0.05, fineTuning: 0.15 };
export const criteo: Plan = { warmUp: 0.2, cycles: 10, lastCycleExtension: 0, fineTuning: 0.2 };
/** 200 epochs: sparse from epochs 10, 50, 90, 130 and 170, dense from 30, 70, 110 and 150 (arXiv 2106.12379). */
export const cifar10: Plan = { warmUp: 10 / 200, cycles: 4, lastCycleExtension: 0, fineTuning: 30 / 200 };

/** The share of training of a cycle, without the extension of the last. */
export function cycleOf({ warmUp, cycles, lastCycleExtension, fineTuning }: Plan): number {
  return (1 - warmUp - lastCycleExtension - fineTuning) / cycles;
}
