/**
 * Leaving out an optimiser's step: in the iteration before a choice that takes the place of a step, the loss is computed
 * and its gradients are recorded, and nothing moves: no weight, no slot, no count of iterations.
 */
import type { BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelState } from './kernel-state.js';
import { hookOmission } from './optimizer-hook.js';
import { assertTellsSlots, forgetWeights } from './optimizer-state.js';

/** The next step of an optimiser, which is left out, in however many calls it comes. */
export class LeftOutStep {
  /** The variables that it would have changed, in the order in which it was given their gradients. */
  #order: readonly string[] | null = null;
  /** From now on the optimiser steps again, whether the step has come or not. */
  readonly end: () => void;

  /** @throws TypeError for an optimiser that does not tell its slots */
  constructor(readonly optimizer: tf.Optimizer) {
    assertTellsSlots(optimizer);
    this.end = hookOmission(optimizer, {
      note: (names) => (this.#order = [...new Set([...(this.#order ?? []), ...names])]),
    });
  }

  get hasCome(): boolean {
    return this.#order !== null;
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
