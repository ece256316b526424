/**
 * Leaving out an optimiser's step: in the iteration before a choice that takes the place of a step, the loss is computed
 * and its gradients are recorded, and nothing moves: no weight, no slot, no count of iterations.
 */
import type { BlockMask } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';

import type { KernelState } from './kernel-state.js';
import { assertTellsSlots, forgetWeights } from './optimizer-state.js';

type ApplyGradients = tf.Optimizer['applyGradients'];

/** Of an optimiser, the steps of it that are left out now, of several runs perhaps. */
interface Hook {
  readonly steps: Set<LeftOutStep>;
  remove(): void;
}

const hooks = new WeakMap<tf.Optimizer, Hook>();

/** The next step of an optimiser, which is left out, in however many calls it comes. */
export class LeftOutStep {
  /** The variables that it would have changed, in the order in which it was given their gradients. */
  #order: readonly string[] | null = null;

  /** @throws TypeError for an optimiser that does not tell its slots */
  constructor(readonly optimizer: tf.Optimizer) {
    assertTellsSlots(optimizer);
    hookOf(optimizer).steps.add(this);
  }

  /** From now on the optimiser steps again, whether the step has come or not. */
  end(): void {
    const hook = hooks.get(this.optimizer);
    hook?.steps.delete(this);
    if (hook?.steps.size === 0) hook.remove();
  }

  get hasCome(): boolean {
    return this.#order !== null;
  }

  /** Called in the optimiser's place. */
  note(names: readonly string[]): void {
    this.#order = [...new Set([...(this.#order ?? []), ...names])];
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

/**
 * Its `applyGradients`, which `minimize` and `fit` come to, is wrapped while steps are left out: it does nothing then. Where
 * someone has wrapped ours in turn it stays, and does what the one before it did.
 */
function hookOf(optimizer: tf.Optimizer): Hook {
  const known = hooks.get(optimizer);
  if (known) return known;
  const steps = new Set<LeftOutStep>();
  const before = Object.getOwnPropertyDescriptor(optimizer, 'applyGradients');
  const original = optimizer.applyGradients;
  const applyGradients: ApplyGradients = (gradients) => {
    if (steps.size === 0) return original.call(optimizer, gradients);
    const names = Array.isArray(gradients) ? gradients.map(({ name }) => name) : Object.keys(gradients);
    for (const step of steps) step.note(names);
  };
  Object.defineProperty(optimizer, 'applyGradients', {
    configurable: true,
    writable: true,
    value: applyGradients,
  });
  const hook: Hook = {
    steps,
    remove: () => {
      if (optimizer.applyGradients !== applyGradients) return;
      hooks.delete(optimizer);
      if (before) Object.defineProperty(optimizer, 'applyGradients', before);
      else delete (optimizer as Partial<tf.Optimizer>).applyGradients;
    },
  };
  hooks.set(optimizer, hook);
  return hook;
}
