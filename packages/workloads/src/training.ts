/** What of a workload's training there is to choose, whatever the strategy: dense training has it too. */
import {
  assertArgument,
  assertOptions,
  between,
  anObject,
  numberIn,
  type NumberRange,
  type SettingsSpace,
} from '@espalier/core';

import type { TunableOptimizer, Workload } from './workload.js';

export interface TrainingSettings {
  /** What the workload's learning rate is multiplied by, in every step; above 0. */
  readonly learningRateFactor?: number;
  /** In the place of the optimiser's own; at least 0. */
  readonly weightDecay?: number;
}

/** From a quarter of the workload's own rate to four times it. */
const RATE_FACTORS = between(1 / 4, 4, { logarithmic: true });
/** From a tenth of the optimiser's own decay to ten times it. */
const DECAY_FACTOR = 10;
/** Where the optimiser has none of its own. */
const DECAYS = between(1e-6, 1e-3, { logarithmic: true });

/**
 * What there is to choose: the learning rate, and the weight decay of an optimiser that has one among what it is made
 * of, as those of `@espalier/optimizers` have.
 */
export function trainingSpace(workload: Pick<Workload, 'optimizer'>): SettingsSpace {
  const decay = decayOf(workload);
  return {
    learningRateFactor: RATE_FACTORS,
    ...(decay !== null && { weightDecay: around(decay) }),
  };
}

/** What the workload has where nothing is chosen. */
export function ownTraining(workload: Pick<Workload, 'optimizer'>): TrainingSettings {
  const decay = decayOf(workload);
  return { learningRateFactor: 1, ...(decay !== null && { weightDecay: decay }) };
}

function around(decay: number): NumberRange {
  return decay === 0 ? DECAYS : between(decay / DECAY_FACTOR, decay * DECAY_FACTOR, { logarithmic: true });
}

/**
 * The workload, trained otherwise.
 *
 * @throws RangeError or TypeError for a setting that is not what it is to be; RangeError for a weight decay of an
 *   optimiser that has none
 */
export function withTraining(workload: Workload, settings: TrainingSettings): Workload {
  const of = 'withTraining()';
  assertArgument(of, 'workload', workload, anObject('a workload', { optimizer: 'function' }));
  assertOptions(of, settings, {
    learningRateFactor: numberIn('(0, ∞)', 'what the learning rate is multiplied by'),
    weightDecay: numberIn('[0, ∞)'),
  });
  const { learningRateFactor: factor = 1, weightDecay } = settings;
  const learningRate = (t: number) => factor * workload.learningRate(t);
  const remade = (make: () => TunableOptimizer): TunableOptimizer =>
    weightDecay === undefined ? make() : withDecay(workload.name, make(), weightDecay);
  return {
    ...workload,
    learningRate,
    optimizer() {
      const optimizer = remade(workload.optimizer);
      optimizer.learningRate = learningRate(0);
      return optimizer;
    },
  };
}

function decayOf({ optimizer: make }: Pick<Workload, 'optimizer'>): number | null {
  const optimizer = make();
  const { weightDecay } = optimizer.getConfig();
  optimizer.dispose();
  return typeof weightDecay === 'number' ? weightDecay : null;
}

/** Made anew of its own settings but for the decay; the one given is disposed. */
function withDecay(name: string, optimizer: TunableOptimizer, weightDecay: number): TunableOptimizer {
  const settings = optimizer.getConfig();
  const kind = optimizer.constructor as unknown as {
    fromConfig(of: unknown, settings: object): TunableOptimizer;
  };
  optimizer.dispose();
  if (typeof settings['weightDecay'] !== 'number') {
    throw new RangeError(
      `The optimiser of '${name}', ${optimizer.getClassName()}, has no weight decay to set: take one of @espalier/optimizers`,
    );
  }
  return kind.fromConfig(kind, { ...settings, weightDecay });
}
