/** SGD, momentum, Adam and RMSProp as tfjs has them, in doubles. */
import type { Parameter } from './network.js';
import { exactly, type Rounding } from './tape.js';

export const optimizerNames = ['sgd', 'momentum', 'adam', 'rmsprop'] as const;
export type OptimizerName = (typeof optimizerNames)[number];

export interface OptimizerSettings {
  readonly name: OptimizerName;
  readonly learningRate: number;
}

/** What tfjs adds to a root to divide by it, for single precision. */
const EPSILON = 1e-7;
/** tfjs' defaults, and the usual momentum. */
export const MOMENTUM = 0.9;
const ADAM = { first: 0.9, second: 0.999 };
const RMSPROP_DECAY = 0.9;

export class Optimizer {
  readonly #slots = new Map<Parameter, { first: Float64Array; second: Float64Array }>();
  #steps = 0;

  constructor(
    readonly settings: OptimizerSettings,
    private readonly round: Rounding = exactly,
  ) {}

  /** One step for all parameters, each with the loss' gradient by it. */
  step(gradients: ReadonlyMap<Parameter, ArrayLike<number>>): void {
    this.#steps++;
    for (const [parameter, gradient] of gradients) {
      const { first, second } = this.slots(parameter);
      for (let i = 0; i < gradient.length; i++) {
        const change = this.round(this.#change(first, second, i, gradient[i]));
        parameter.values[i] = this.round(parameter.values[i] - change);
        first[i] = this.round(first[i]);
        second[i] = this.round(second[i]);
      }
    }
  }

  /** Forgets everything, as if no step had been taken. */
  reset(): void {
    this.#slots.clear();
    this.#steps = 0;
  }

  /** What is remembered of each number: its momentum or first moment, and its mean square. */
  slots(parameter: Parameter): { first: Float64Array; second: Float64Array } {
    let own = this.#slots.get(parameter);
    if (!own) {
      const { length } = parameter.values;
      own = { first: new Float64Array(length), second: new Float64Array(length) };
      this.#slots.set(parameter, own);
    }
    return own;
  }

  /** How many steps since the start, or since the last reset. */
  get steps(): number {
    return this.#steps;
  }

  /**
   * How far the last step went: what it has moved each number by for each unit of a gradient that has been the same
   * since the last reset. What a proximal step takes for its step.
   */
  stepSizes(parameter: Parameter): Float64Array {
    const { name, learningRate } = this.settings;
    const { second } = this.slots(parameter);
    switch (name) {
      case 'sgd':
        return second.map(() => learningRate);
      case 'momentum':
        return second.map(() => (learningRate * (1 - MOMENTUM ** this.#steps)) / (1 - MOMENTUM));
      case 'adam':
        return second.map((v) => learningRate / (Math.sqrt(v / (1 - ADAM.second ** this.#steps)) + EPSILON));
      case 'rmsprop':
        return second.map((v) => learningRate / Math.sqrt(v + EPSILON));
    }
  }

  #change(first: Float64Array, second: Float64Array, i: number, g: number): number {
    const { name, learningRate } = this.settings;
    switch (name) {
      case 'sgd':
        return learningRate * g;
      case 'momentum':
        first[i] = MOMENTUM * first[i] + g;
        return learningRate * first[i];
      case 'adam': {
        first[i] = ADAM.first * first[i] + (1 - ADAM.first) * g;
        second[i] = ADAM.second * second[i] + (1 - ADAM.second) * g * g;
        const mean = first[i] / (1 - ADAM.first ** this.#steps);
        const meanSquare = second[i] / (1 - ADAM.second ** this.#steps);
        return (learningRate * mean) / (Math.sqrt(meanSquare) + EPSILON);
      }
      case 'rmsprop':
        second[i] = RMSPROP_DECAY * second[i] + (1 - RMSPROP_DECAY) * g * g;
        return (learningRate * g) / Math.sqrt(second[i] + EPSILON);
    }
  }
}
