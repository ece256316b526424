// Batch normalisation in training and its gradient as oneDNN's primitives.

import type { Normalisation, NormalisationGradientOperands, NormalisationOperands } from '../accelerator.js';
import { ARGUMENT, type OneDnnApi } from './api.js';
import type { Address } from './calls.js';
import type { KeptPrimitives } from './kept.js';
import { readyPass, type ReadyPass } from './passes.js';

/** Each says whether the library computed it; operands are addresses. */
export interface Normalisations {
  normalise(normalisation: Normalisation, operands: NormalisationOperands): boolean;
  gradient(normalisation: Normalisation, operands: NormalisationGradientOperands): boolean;
}

/**
 * Which of the library's codes, by their names. With AVX-512 they are 1.4 to 2 times as fast as the wasm kernels on one thread,
 * with less they are not. Of several threads its first code has a barrier of its own, at which they wait for one another
 * without ever sleeping: where something else wants a core, that takes a hundred times as long as the work. The code that was
 * written for TBB ends each part with OpenMP's own barrier.
 */
const CODE = { ofOneThread: 'bnorm_jit:avx512', ofSeveral: 'bnorm_tbb_jit:avx512' };

/** The numbers of the operands as arguments: first those of the shape of x, two and three, then those of one a channel. */
const FORWARD = [
  ...[ARGUMENT.images, ARGUMENT.result],
  ...[ARGUMENT.scale, ARGUMENT.offset, ARGUMENT.mean, ARGUMENT.variance],
];
const GRADIENT = [
  ...[ARGUMENT.resultGradient, ARGUMENT.images, ARGUMENT.imagesGradient],
  ...[ARGUMENT.mean, ARGUMENT.variance, ARGUMENT.scale, ARGUMENT.scaleGradient, ARGUMENT.offsetGradient],
];

/** @param workspace the address of so many bytes, until the next call */
export function normalisationsBy(
  api: OneDnnApi,
  workspace: (bytes: number) => Address,
  kept: KeptPrimitives,
  threads: number,
): Normalisations {
  const code = threads === 1 ? CODE.ofOneThread : CODE.ofSeveral;
  const run = (
    direction: 'forward' | 'gradient',
    normalisation: Normalisation,
    addresses: readonly Address[],
  ): boolean => {
    const { images, pixels, channels, epsilon } = normalisation;
    const key = `normalisation ${direction} ${images} ${pixels} ${channels} ${epsilon}`;
    const ready = kept.find(key, () => prepare(api, direction, normalisation, code));
    ready?.run(addresses, workspace);
    return ready !== null;
  };
  return {
    normalise: (normalisation, { x, y, scale, offset, mean, variance }) =>
      run('forward', normalisation, [x, y, scale, offset, mean, variance]),
    gradient: (normalisation, { dy, x, dx, mean, variance, scale, dScale, dOffset }) =>
      run('gradient', normalisation, [dy, x, dx, mean, variance, scale, dScale, dOffset]),
  };
}

/** The primitive, or null where the library has no such code for the shape: its channels are to be sixteens. */
function prepare(
  api: OneDnnApi,
  direction: 'forward' | 'gradient',
  { images, pixels, channels, epsilon }: Normalisation,
  code: string,
): ReadyPass | null {
  // In the library's order of axes, N C H W; the channels lie side by side.
  const tensor = api.layout(
    [images, channels, 1, pixels],
    [pixels * channels, 1, pixels * channels, channels],
  );
  const ofChannels = api.layout([channels], [1]);
  const layouts = [tensor, ofChannels];
  const description = api.passes.normalisation(direction, tensor, epsilon, code);
  try {
    if (description === null) return null;
    const [numbers, large] = direction === 'forward' ? [FORWARD, 2] : [GRADIENT, 3];
    const tensors = numbers.map((number, i) => [number, i < large ? tensor : ofChannels] as const);
    return readyPass(api, description, tensors);
  } finally {
    api.release({ layouts, descriptions: description === null ? [] : [description] });
  }
}

/**
 * Whether mean and variance, as the library made them, are right to 5e-5 of the standard deviation. It adds up in single
 * precision: the mean of n numbers was off by 3e-8 · √n of itself, or less, for up to 2¹⁸ normal numbers. NaN is not.
 */
export function keepsDigits(
  { images, pixels }: Normalisation,
  mean: Float32Array,
  variance: Float32Array,
): boolean {
  const most = 2 ** 20 / (images * pixels);
  return mean.every((value, channel) => value * value <= most * variance[channel]!);
}
