/**
 * What runs have to do with the steps of an optimiser. Its `applyGradients`, which `minimize` and `fit` come to, is
 * wrapped while there is anything: gradients of what a run trains itself never reach the optimiser, and a step that is
 * left out does nothing at all.
 */
import type * as tf from '@tensorflow/tfjs';

type ApplyGradients = tf.Optimizer['applyGradients'];
type Gradients = Parameters<ApplyGradients>[0];

/** The gradient of a variable; none, of one that the loss does not depend on. */
export interface NamedGradient {
  readonly name: string;
  readonly tensor: tf.Tensor | null | undefined;
}

/** Trains some variables itself. */
export interface Trainer {
  /** Whether the variable of this name is one of its own. */
  trains(name: string): boolean;
  /** A step, by the gradients of its own. */
  train(gradients: readonly NamedGradient[]): void;
}

/** Leaves steps out. */
export interface Omission {
  /** Called in the optimiser's place, with the names of the variables that it would have changed. */
  note(names: readonly string[]): void;
}

interface Hook {
  readonly trainers: Set<Trainer>;
  readonly omissions: Set<Omission>;
  remove(): void;
}

const hooks = new WeakMap<tf.Optimizer, Hook>();

/**
 * From now on the optimiser leaves to the trainer what that trains.
 *
 * @returns what ends it
 */
export function hookTrainer(optimizer: tf.Optimizer, trainer: Trainer): () => void {
  return hooked(optimizer, ({ trainers }) => trainers, trainer);
}

/**
 * From now on the optimiser's steps are left out.
 *
 * @returns what ends it
 */
export function hookOmission(optimizer: tf.Optimizer, omission: Omission): () => void {
  return hooked(optimizer, ({ omissions }) => omissions, omission);
}

function hooked<T>(optimizer: tf.Optimizer, listOf: (hook: Hook) => Set<T>, one: T): () => void {
  const hook = hookOf(optimizer);
  listOf(hook).add(one);
  return () => {
    listOf(hook).delete(one);
    if (hook.trainers.size + hook.omissions.size === 0) hook.remove();
  };
}

/** Where someone has wrapped ours in turn it stays, and does what the one before it did. */
function hookOf(optimizer: tf.Optimizer): Hook {
  const known = hooks.get(optimizer);
  if (known) return known;
  const trainers = new Set<Trainer>();
  const omissions = new Set<Omission>();
  const before = Object.getOwnPropertyDescriptor(optimizer, 'applyGradients');
  const original = optimizer.applyGradients;
  const applyGradients: ApplyGradients = (gradients) => {
    if (trainers.size + omissions.size === 0) return original.call(optimizer, gradients);
    const all = named(gradients);
    const isTaken = (name: string) => [...trainers].some((trainer) => trainer.trains(name));
    if (omissions.size > 0) {
      const names = all.map(({ name }) => name).filter((name) => !isTaken(name));
      for (const omission of omissions) omission.note(names);
      return;
    }
    for (const trainer of trainers) trainer.train(all.filter(({ name }) => trainer.trains(name)));
    original.call(optimizer, without(gradients, isTaken));
  };
  Object.defineProperty(optimizer, 'applyGradients', {
    configurable: true,
    writable: true,
    value: applyGradients,
  });
  const hook: Hook = {
    trainers,
    omissions,
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

function named(gradients: Gradients): readonly NamedGradient[] {
  return Array.isArray(gradients)
    ? gradients
    : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
}

/** In the form that they came in: tfjs' optimisers keep their slots by place. */
function without(gradients: Gradients, isTaken: (name: string) => boolean): Gradients {
  if (Array.isArray(gradients)) return gradients.filter(({ name }) => !isTaken(name));
  return Object.fromEntries(Object.entries(gradients).filter(([name]) => !isTaken(name)));
}
