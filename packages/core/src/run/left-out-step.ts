/**
 * Leaving out an optimiser's step: in the iteration before a choice that takes the place of a step, the loss is computed
 * and its gradients are recorded, and nothing moves: no weight, no slot, no count of iterations.
 */
import type { BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelState } from './kernel-state.js';
import { assertTellsSlots, forgetWeights } from './optimizer-state.js';

type ApplyGradients = tf.Optimizer['applyGradients'];

/** The next step of an optimiser, which is left out. */
export class LeftOutStep {
  /** The variables that it would have changed, in the order in which it was given their gradients. */
  #order: readonly string[] | null = null;
  readonly #before: PropertyDescriptor | undefined;
  readonly #inPlace: ApplyGradients = (gradients) => {
    this.#order = Array.isArray(gradients) ? gradients.map(({ name }) => name) : Object.keys(gradients);
    this.end();
  };

  /**
   * Puts an `applyGradients` that does nothing before the optimiser's own, for once: `minimize` and `fit` come to it.
   *
   * @throws TypeError for an optimiser that does not tell its slots
   */
  constructor(private readonly optimizer: tf.Optimizer) {
    assertTellsSlots(optimizer);
    this.#before = Object.getOwnPropertyDescriptor(optimizer, 'applyGradients');
    Object.defineProperty(optimizer, 'applyGradients', { configurable: true, value: this.#inPlace });
  }

  /** From now on the optimiser steps again, whether the step has come or not. */
  end(): void {
    const optimizer: Partial<tf.Optimizer> = this.optimizer;
    if (Object.getOwnPropertyDescriptor(optimizer, 'applyGradients')?.value !== this.#inPlace) return;
    if (this.#before) Object.defineProperty(optimizer, 'applyGradients', this.#before);
    else delete optimizer.applyGradients;
  }

  /** @throws Error unless the step has come */
  assertCame(): void {
    if (this.#order) return;
    throw new Error(
      'The choice of blocks to come goes by the gradients of this step, for which the optimizer was not called: train ' +
        'it as any other step (the optimizer leaves it out by itself), and pass sparsify() the optimizer that trains',
    );
  }

  /** Makes the optimiser forget what it remembers of the weights in blocks that were not chosen until now. */
  forgetJoining(kernel: KernelState, chosen: BlockMask): void {
    const joining = chosen.map((bit, block) => bit & ~kernel.chosen[block]!);
    if (!joining.includes(1)) return;
    tf.tidy(() =>
      forgetWeights(this.optimizer, this.#order ?? [], kernel.variable.name, kernel.weightsOf(joining)),
    );
  }
}
