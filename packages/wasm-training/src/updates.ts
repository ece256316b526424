// One step of an optimiser over one variable: a single pass on the wasm backend (assembly/updates.ts), the same
// arithmetic in ops of tfjs on every other. Both give new tensors. On wasm those take over the memory of the weight and
// of its slots, which a step is to replace: where nobody else shares their data, the pass is in place and touches little
// more than half the memory.

import { type WasmCall, offsetOf, takeOver } from '@espalier/blocks';
import * as tf from '@tensorflow/tfjs';
import { kernelsOf } from './kernels.js';

export const SGD_UPDATE = 'SgdUpdate';
export const MOMENTUM_UPDATE = 'MomentumUpdate';
export const ADAM_UPDATE = 'AdamUpdate';

export interface SgdStep {
  readonly learningRate: number;
  readonly weightDecay: number;
}

export interface MomentumStep extends SgdStep {
  readonly momentum: number;
  readonly nesterov: boolean;
}

export interface AdamStep extends SgdStep {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  /** Number of this step, from 1; it sets the correction of the moments' bias. */
  readonly step: number;
}

/** w - rate · (g + decay · w). All tensors have one shape. The weight is used up: it may only be disposed or assigned. */
export function sgdStep(weight: tf.Tensor, gradient: tf.Tensor, settings: SgdStep): [tf.Tensor] {
  if (hasKernel(SGD_UPDATE)) return run(SGD_UPDATE, { weight, gradient }, settings) as [tf.Tensor];
  return tf.tidy(() => [tf.sub(weight, tf.mul(decayed(weight, gradient, settings), settings.learningRate))]);
}

/** The new weight and velocity of SGD with momentum, as PyTorch defines it (dampening 0). The old ones are used up. */
export function momentumStep(
  weight: tf.Tensor,
  gradient: tf.Tensor,
  velocity: tf.Tensor,
  settings: MomentumStep,
): [tf.Tensor, tf.Tensor] {
  if (hasKernel(MOMENTUM_UPDATE)) {
    return run(MOMENTUM_UPDATE, { weight, gradient, velocity }, settings) as [tf.Tensor, tf.Tensor];
  }
  const { learningRate, momentum, nesterov } = settings;
  return tf.tidy(() => {
    const direction = decayed(weight, gradient, settings);
    const newVelocity = tf.add(tf.mul(velocity, momentum), direction);
    const step = nesterov ? tf.add(direction, tf.mul(newVelocity, momentum)) : newVelocity;
    return [tf.sub(weight, tf.mul(step, learningRate)), newVelocity];
  });
}

/** The new weight and moments of Adam with L2 weight decay, as PyTorch's Adam defines it. The old ones are used up. */
export function adamStep(
  weight: tf.Tensor,
  gradient: tf.Tensor,
  first: tf.Tensor,
  second: tf.Tensor,
  settings: AdamStep,
): [tf.Tensor, tf.Tensor, tf.Tensor] {
  if (hasKernel(ADAM_UPDATE)) {
    const outputs = run(ADAM_UPDATE, { weight, gradient, first, second }, settings);
    return outputs as [tf.Tensor, tf.Tensor, tf.Tensor];
  }
  const { beta1, beta2, epsilon } = settings;
  const { rate, root } = biasCorrection(settings);
  return tf.tidy(() => {
    const direction = decayed(weight, gradient, settings);
    const newFirst = tf.add(tf.mul(first, beta1), tf.mul(direction, 1 - beta1));
    const newSecond = tf.add(tf.mul(second, beta2), tf.mul(tf.square(direction), 1 - beta2));
    const spread = tf.add(tf.mul(tf.sqrt(newSecond), root), epsilon);
    return [tf.sub(weight, tf.div(tf.mul(newFirst, rate), spread)), newFirst, newSecond];
  });
}

/** Kernel SgdUpdate, which uses up the weight: inputs weight, gradient; attrs of SgdStep; output [weight]. */
export function sgdUpdate({ inputs, attrs, backend }: WasmCall): tf.TensorInfo[] {
  const { weight, gradient } = inputs as Record<string, tf.TensorInfo>;
  const { learningRate, weightDecay } = attrs as unknown as SgdStep;
  const old = [weight!, gradient!].map((x) => offsetOf(backend, x)) as [number, number];
  const newWeight = takeOver(backend, weight!);
  kernelsOf(backend).exports.sgdUpdate(
    ...old,
    offsetOf(backend, newWeight),
    tf.util.sizeFromShape(weight!.shape),
    learningRate,
    weightDecay,
  );
  return [newWeight];
}

/** Kernel MomentumUpdate, which uses up weight and velocity: inputs weight, gradient, velocity; attrs of MomentumStep; outputs [weight, velocity]. */
export function momentumUpdate({ inputs, attrs, backend }: WasmCall): tf.TensorInfo[] {
  const { weight, gradient, velocity } = inputs as Record<string, tf.TensorInfo>;
  const { learningRate, momentum, weightDecay, nesterov } = attrs as unknown as MomentumStep;
  const old = [weight!, gradient!, velocity!].map((x) => offsetOf(backend, x)) as [number, number, number];
  const newWeight = takeOver(backend, weight!);
  const newVelocity = takeOver(backend, velocity!);
  kernelsOf(backend).exports.momentumUpdate(
    ...old,
    offsetOf(backend, newWeight),
    offsetOf(backend, newVelocity),
    tf.util.sizeFromShape(weight!.shape),
    learningRate,
    momentum,
    weightDecay,
    nesterov,
  );
  return [newWeight, newVelocity];
}

/** Kernel AdamUpdate, which uses up all inputs but the gradient: inputs weight, gradient, first, second; attrs of AdamStep; outputs [weight, first, second]. */
export function adamUpdate({ inputs, attrs, backend }: WasmCall): tf.TensorInfo[] {
  const { weight, gradient, first, second } = inputs as Record<string, tf.TensorInfo>;
  const settings = attrs as unknown as AdamStep;
  const { beta1, beta2, epsilon, weightDecay } = settings;
  const { rate, root } = biasCorrection(settings);
  const old = [weight!, gradient!, first!, second!].map((x) => offsetOf(backend, x));
  const newWeight = takeOver(backend, weight!);
  const newFirst = takeOver(backend, first!);
  const newSecond = takeOver(backend, second!);
  kernelsOf(backend).exports.adamUpdate(
    ...(old as [number, number, number, number]),
    offsetOf(backend, newWeight),
    offsetOf(backend, newFirst),
    offsetOf(backend, newSecond),
    tf.util.sizeFromShape(weight!.shape),
    rate,
    beta1,
    1 - beta1,
    beta2,
    1 - beta2,
    epsilon,
    root,
    weightDecay,
  );
  return [newWeight, newFirst, newSecond];
}

/** The step size over 1 - beta1^t, and 1 / sqrt(1 - beta2^t). */
function biasCorrection({ learningRate, beta1, beta2, step }: AdamStep): { rate: number; root: number } {
  return { rate: learningRate / (1 - beta1 ** step), root: 1 / Math.sqrt(1 - beta2 ** step) };
}

function decayed(weight: tf.Tensor, gradient: tf.Tensor, { weightDecay }: SgdStep): tf.Tensor {
  return weightDecay === 0 ? gradient : tf.add(gradient, tf.mul(weight, weightDecay));
}

function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}

function run(kernel: string, inputs: Record<string, tf.Tensor>, attrs: object): tf.Tensor[] {
  return tf.engine().runKernel(kernel, inputs, attrs as tf.NamedAttrMap) as tf.Tensor[];
}
