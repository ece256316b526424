/** Learning rates over training. */
import { aFunction, assertArgument, assertOptions, numberIn, required } from '@espalier/core';

export interface WarmUp {
  /** Of training, in [0, 1). */
  readonly share: number;
  /** Of the schedule's first rate, where the warm-up starts; in [0, 1], a tenth when absent. */
  readonly from?: number;
}

/**
 * A rate that grows evenly to the schedule's first one, and then the whole schedule in the time that is left (Goyal et
 * al., arXiv 1706.02677, section 2.2).
 *
 * @param schedule the learning rate at progress `t` from 0 to 1, such as `cosineDecay(0.1)`
 */
export function withWarmUp(options: WarmUp, schedule: (t: number) => number): (t: number) => number {
  const of = 'withWarmUp()';
  assertOptions(of, options, {
    share: required(numberIn('[0, 1)', 'a share of training')),
    from: numberIn('[0, 1]', 'a share of the first rate'),
  });
  assertArgument(of, 'schedule', schedule, aFunction('a function of the progress: cosineDecay(0.1)'));
  const { share, from = 0.1 } = options;
  return (t) =>
    t < share ? schedule(0) * (from + (1 - from) * (t / share)) : schedule((t - share) / (1 - share));
}
