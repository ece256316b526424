// One step of an optimiser over one variable: a single pass on the wasm backend (assembly/updates.ts), the same
// arithmetic in ops of tfjs on every other. Both give new tensors: others may share the old data, and XNNPACK, which
// serves some stock kernels, keeps packed copies of weights for as long as their data has the same id.

import { type KernelCall, offsetOf } from '@espalier/wasm-module';
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

/** w - rate · (g + decay · w). All tensors have one shape. */
export function sgdStep(weight: tf.Tensor, gradient: tf.Tensor, settings: SgdStep): [tf.Tensor] {
  if (hasKernel(SGD_UPDATE)) return run(SGD_UPDATE, { weight, gradient }, settings) as [tf.Tensor];
  return tf.tidy(() => [tf.sub(weight, tf.mul(decayed(weight, gradient, settings), settings.learningRate))]);
}

/** The new weight and the new velocity of SGD with momentum, as PyTorch defines it (dampening 0). */
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

/** The new weight, first moment and second moment of Adam with L2 weight decay, as PyTorch's Adam defines it. */
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

/** Kernel SgdUpdate: inputs weight, gradient; attrs of SgdStep; output [weight]. */
export function sgdUpdate({ inputs, attrs, backend }: KernelCall): tf.TensorInfo[] {
  const { weight, gradient } = inputs as Record<string, tf.TensorInfo>;
  const { learningRate, weightDecay } = attrs as unknown as SgdStep;
  const newWeight = backend.makeOutput(weight!.shape, 'float32');
  kernelsOf(backend).exports.sgdUpdate(
    offsetOf(backend, weight!),
    offsetOf(backend, gradient!),
    offsetOf(backend, newWeight),
    tf.util.sizeFromShape(weight!.shape),
    learningRate,
    weightDecay,
  );
  return [newWeight];
}

/** Kernel MomentumUpdate: inputs weight, gradient, velocity; attrs of MomentumStep; outputs [weight, velocity]. */
export function momentumUpdate({ inputs, attrs, backend }: KernelCall): tf.TensorInfo[] {
  const { weight, gradient, velocity } = inputs as Record<string, tf.TensorInfo>;
  const { learningRate, momentum, weightDecay, nesterov } = attrs as unknown as MomentumStep;
  const newWeight = backend.makeOutput(weight!.shape, 'float32');
  const newVelocity = backend.makeOutput(weight!.shape, 'float32');
  kernelsOf(backend).exports.momentumUpdate(
    offsetOf(backend, weight!),
    offsetOf(backend, gradient!),
    offsetOf(backend, velocity!),
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

/** Kernel AdamUpdate: inputs weight, gradient, first, second; attrs of AdamStep; outputs [weight, first, second]. */
export function adamUpdate({ inputs, attrs, backend }: KernelCall): tf.TensorInfo[] {
  const { weight, gradient, first, second } = inputs as Record<string, tf.TensorInfo>;
  const settings = attrs as unknown as AdamStep;
  const { beta1, beta2, epsilon, weightDecay } = settings;
  const { rate, root } = biasCorrection(settings);
  const newWeight = backend.makeOutput(weight!.shape, 'float32');
  const newFirst = backend.makeOutput(weight!.shape, 'float32');
  const newSecond = backend.makeOutput(weight!.shape, 'float32');
  kernelsOf(backend).exports.adamUpdate(
    offsetOf(backend, weight!),
    offsetOf(backend, gradient!),
    offsetOf(backend, first!),
    offsetOf(backend, second!),
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
