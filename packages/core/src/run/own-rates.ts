/**
 * Training what has a learning rate of its own (`Parameterisation.learningRates`), in the place of the optimiser: its
 * gradients are taken out of what the optimiser is given, and move it by Adam (Kingma and Ba, arXiv 1412.6980, Algorithm
 * 1), whose step is as long as the rate whatever the scale of the gradients.
 *
 * The moments are forgotten whenever the optimiser is reset, and their correction counts from there. Numbers of blocks that
 * are pruned stand still: what gradient they have comes by way of the others, as by the sum that a softmax divides by, and
 * steps of one length for all would make of it as much as of any.
 */
import * as tf from '@tensorflow/tfjs';

import type { Parameterisation, TrainedKernel } from '../pruner.js';
import type { KernelState } from './kernel-state.js';
import { hookTrainer, type NamedGradient, type Trainer } from './optimizer-hook.js';

const BETA_1 = 0.9;
const BETA_2 = 0.999;
/** No more than keeps 0 / 0 away: it would be a scale for gradients. */
const EPSILON = 1e-12;

/** What of a kernel has a learning rate of its own. */
export interface OwnRate {
  /** For messages. */
  readonly name: string;
  readonly variable: tf.Variable;
  /** Its moments, of its shape. */
  readonly first: tf.Variable;
  readonly second: tf.Variable;
  /** 1 for a block that trains, 0 for one that is pruned, where there is a number for each block; else null. */
  mask(): tf.Tensor | null;
  /** Of a step, counted from 0. */
  rate(step: number, totalSteps: number): number;
}

/**
 * What of a kernel has a learning rate of its own, and its moments by their names: two variables for each.
 *
 * @param masked the mask of the moment, `[R, C]`; null while every block is kept
 */
export function ownRatesOf(
  kernel: TrainedKernel,
  { learningRates = {} }: Pick<Parameterisation, 'learningRates'>,
  masked: () => tf.Tensor | null,
): { readonly rates: readonly OwnRate[]; readonly moments: Readonly<Record<string, tf.Variable>> } {
  const moments: Record<string, tf.Variable> = {};
  const rates = Object.entries(learningRates).map(([name, rate]): OwnRate => {
    const variable = kernel.trainables[name]!;
    const moment = (order: 1 | 2) =>
      (moments[`${name}_moment_${order}`] = tf.tidy(() => tf.variable(tf.zerosLike(variable), false)));
    const isOfBlocks = variable.shape.join() === kernel.grid.gridShape.join();
    return {
      ...{ name: `the ${name} of ${kernel.name}`, variable, first: moment(1), second: moment(2) },
      mask: () => (isOfBlocks ? masked() : null),
      rate: (step, totalSteps) => rate(kernel, step, totalSteps),
    };
  });
  return { rates, moments };
}

/** Which step of a run is to come. */
export interface StepToCome {
  /** Counted from 0. */
  readonly step: number;
  readonly totalSteps: number;
  /** How many steps there were since the optimiser was last reset. */
  readonly sinceReset: number;
}

export class OwnRates implements Trainer {
  readonly #own: ReadonlyMap<string, OwnRate>;
  #optimizer: tf.Optimizer | null = null;
  #unhook: () => void = () => {};
  #hasCome = false;

  constructor(
    kernels: readonly KernelState[],
    private readonly toCome: () => StepToCome,
  ) {
    this.#own = new Map(kernels.flatMap(({ ownRates }) => ownRates.map((own) => [own.variable.name, own])));
  }

  /** Whether a step has come since the last was closed. */
  get hasCome(): boolean {
    return this.#hasCome;
  }

  /** Whether there is nothing to train. */
  get isEmpty(): boolean {
    return this.#own.size === 0;
  }

  /** Takes its gradients from this optimiser from now on, and from the one before no more. */
  attach(optimizer: tf.Optimizer | null): void {
    if (optimizer === this.#optimizer || this.isEmpty) return;
    this.#unhook();
    this.#unhook = optimizer ? hookTrainer(optimizer, this) : () => {};
    this.#optimizer = optimizer;
  }

  trains(name: string): boolean {
    return this.#own.has(name);
  }

  train(gradients: readonly NamedGradient[]): void {
    this.#hasCome = true;
    const { step, totalSteps, sinceReset } = this.toCome();
    for (const { name, tensor } of gradients) {
      if (!tensor) continue;
      const own = this.#own.get(name)!;
      const rate = own.rate(step, totalSteps);
      if (!(rate >= 0 && rate < Infinity)) {
        throw new RangeError(
          `The learning rate of ${own.name} is ${rate} at step ${step}, not a number in [0, ∞)`,
        );
      }
      adamStep(own, tensor, rate, sinceReset + 1);
    }
  }

  /** How far the step that was just taken goes, of one of its own; see `stepSize` of optimisers. Of its shape. */
  stepSize(variable: tf.Variable): tf.Tensor {
    const { second, rate } = this.#own.get(variable.name)!;
    const { step, totalSteps, sinceReset } = this.toCome();
    return tf.tidy(() => {
      const corrected = second.div(1 - BETA_2 ** (sinceReset + 1));
      return tf.div(rate(step, totalSteps), corrected.sqrt().add(EPSILON));
    });
  }

  closeStep(): void {
    this.#hasCome = false;
  }

  /** Forgets the moments. */
  reset(): void {
    tf.tidy(() => {
      for (const moment of [...this.#own.values()].flatMap(({ first, second }) => [first, second])) {
        moment.assign(tf.zerosLike(moment));
      }
    });
  }

  end(): void {
    this.attach(null);
  }
}

/** @param k number of the step since the moments were zero, from 1 */
function adamStep(
  { variable, first, second, mask }: OwnRate,
  gradient: tf.Tensor,
  rate: number,
  k: number,
): void {
  tf.tidy(() => {
    first.assign(
      gradient
        .sub(first)
        .mul(1 - BETA_1)
        .add(first),
    );
    second.assign(
      gradient
        .square()
        .sub(second)
        .mul(1 - BETA_2)
        .add(second),
    );
    // η m̂ / (√v̂ + ε), with the corrections of both moments outside of the root.
    const root = Math.sqrt(1 - BETA_2 ** k);
    const scale = (rate * root) / (1 - BETA_1 ** k);
    const change = first.mul(scale).div(second.sqrt().add(EPSILON * root));
    const training = mask();
    variable.assign(variable.sub(training ? change.mul(training) : change));
  });
}
